"""A server as commands reach it: its address, its credentials, its channels."""

# ruff: noqa: PLC0415 - grpc loads slowly; a command without a server does without it
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import grpc
    import grpc.aio

DEFAULT_PATIENCE = 30.0
"""Seconds."""
MESSAGE_BYTES = 64 * 1024 * 1024
CHANNEL_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.max_send_message_length", MESSAGE_BYTES),
    # A worker is replaced within a second or two. By default grpc would look again ever more rarely.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)

Metadata = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Server:
    """The address of a server and the credentials for it."""

    address: str
    """host:port."""
    token: str = ""
    tls_ca: Path | None = None
    """A PEM file of authorities. Without it the connection is not encrypted."""
    patience: float = DEFAULT_PATIENCE
    """The seconds for which a stream of events outlasts a server that does not answer."""

    @property
    def metadata(self) -> Metadata:
        """The metadata that every call needs."""
        return (("authorization", f"Bearer {self.token}"),) if self.token else ()

    def connect(self) -> grpc.Channel:
        """Raises OSError for a PEM file that cannot be read."""
        import grpc

        if self.tls_ca is None:
            return grpc.insecure_channel(self.address, CHANNEL_OPTIONS)
        return grpc.secure_channel(self.address, self._credentials(), CHANNEL_OPTIONS)

    def connect_async(self, extra: Sequence[tuple[str, int]] = ()) -> grpc.aio.Channel:
        """A channel for asyncio. `extra` are further options of the channel. Raises OSError as `connect` does."""
        import grpc.aio

        options = (*CHANNEL_OPTIONS, *extra)
        if self.tls_ca is None:
            return grpc.aio.insecure_channel(self.address, options)
        return grpc.aio.secure_channel(self.address, self._credentials(), options)

    def _credentials(self) -> grpc.ChannelCredentials:
        import grpc

        assert self.tls_ca is not None
        return grpc.ssl_channel_credentials(self.tls_ca.read_bytes())
