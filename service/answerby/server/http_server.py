"""Uvicorn inside a worker: a port shared by all workers, and no signal handlers of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import uvicorn
from starlette.applications import Starlette

from answerby.server.base.config import Address, InvalidConfig


class _Quiet(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Tls(NamedTuple):
    """PEM files of a certificate chain and its key, and of authorities whose certificates clients must show."""

    cert: Path
    key: Path
    client_ca: Path | None


class HttpServer:
    """Serves an application on `address` until `stop`."""

    def __init__(self, app: Starlette, address: Address, tls: Tls | None = None) -> None:
        secure: dict[str, Any] = {}
        if tls is not None:
            secure = {"ssl_certfile": tls.cert, "ssl_keyfile": tls.key}
            if tls.client_ca is not None:
                secure |= {"ssl_ca_certs": str(tls.client_ca), "ssl_cert_reqs": ssl.CERT_REQUIRED}
        settings = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            ws="none",
            timeout_graceful_shutdown=5,
            **secure,
        )
        self._server = _Quiet(settings)
        self._address = address
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> int:
        """Starts to listen. Returns the bound port. Raises InvalidConfig."""
        listener = shared_socket(self._address)
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]))
        # The socket is bound already. Connections that come before uvicorn is ready wait in the queue of the socket.
        listener.listen(128)
        return int(listener.getsockname()[1])

    async def stop(self) -> None:
        """Lets the requests in progress end, in at most five seconds."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task


def shared_socket(address: Address) -> socket.socket:
    """A bound TCP socket whose port other workers may bind too. Raises InvalidConfig."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((address.host, address.port))
    except OSError as error:
        listener.close()
        raise InvalidConfig(f"cannot listen on {address}: {error.strerror}") from error
    return listener
