"""A connection to a running server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc
import grpc.aio

from answerby.cli.options import DEFAULT_PATIENCE

MESSAGE_BYTES = 64 * 1024 * 1024
OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.max_send_message_length", MESSAGE_BYTES),
    # A worker is replaced within a second or two; by itself the library would look again ever more rarely.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)

Metadata = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Target:
    """Where a server is and how to speak to it."""

    address: str
    token: str = ""
    tls_ca: Path | None = None
    """A PEM file; without it the connection is in the clear."""
    patience: float = DEFAULT_PATIENCE
    """How long a stream of events outlasts a server that does not answer, in seconds."""

    @property
    def metadata(self) -> Metadata:
        return (("authorization", f"Bearer {self.token}"),) if self.token else ()

    def connect(self) -> grpc.Channel:
        if self.tls_ca is None:
            return grpc.insecure_channel(self.address, OPTIONS)
        return grpc.secure_channel(self.address, self._credentials(), OPTIONS)

    def connect_async(self, extra: Sequence[tuple[str, int]] = ()) -> grpc.aio.Channel:
        options = (*OPTIONS, *extra)
        if self.tls_ca is None:
            return grpc.aio.insecure_channel(self.address, options)
        return grpc.aio.secure_channel(self.address, self._credentials(), options)

    def _credentials(self) -> grpc.ChannelCredentials:
        assert self.tls_ca is not None
        return grpc.ssl_channel_credentials(self.tls_ca.read_bytes())
