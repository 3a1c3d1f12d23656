"""The gRPC server of one worker: options, credentials, services, health and reflection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from answerby.api.v1 import (
    connector_service_pb2,
    connector_service_pb2_grpc,
    decision_service_pb2,
    decision_service_pb2_grpc,
    request_service_pb2,
    request_service_pb2_grpc,
    rulebook_service_pb2,
    rulebook_service_pb2_grpc,
)
from answerby.server.base.config import InvalidConfig, ServerConfig

SERVICES = (
    request_service_pb2.DESCRIPTOR.services_by_name["RequestService"].full_name,
    decision_service_pb2.DESCRIPTOR.services_by_name["DecisionService"].full_name,
    rulebook_service_pb2.DESCRIPTOR.services_by_name["RulebookService"].full_name,
    connector_service_pb2.DESCRIPTOR.services_by_name["ConnectorService"].full_name,
)


RULEBOOK = "answerby.rulebook"
"""A detail of health: not serving while the last change of the rules is refused or cannot be followed."""
STORE = "answerby.store"
"""A detail of health: not serving once the store was found to have lost decisions that were told."""


CONNECTORS = "answerby.connectors"
"""A detail of health: not serving while a connector is disabled or held; `answerby.connectors.<name>` says which."""


class Health:
    """The standard health service: for the server as a whole, for each service, and for the rules."""

    def __init__(self) -> None:
        self.servicer = health.aio.HealthServicer()

    async def show(self, *, serving: bool) -> None:
        for service in ("", *SERVICES):
            await self._set(service, good=serving)

    async def show_rulebook(self, *, good: bool) -> None:
        """Shows the state of the rules. Requests are decided by the last good rules in any case."""
        await self._set(RULEBOOK, good=good)

    async def show_store(self, *, good: bool) -> None:
        """Shows whether the store still has all that it had. Events are decided in any case."""
        await self._set(STORE, good=good)

    async def show_connectors(self, good: Mapping[str, bool]) -> None:
        """Shows which connectors wait for an operator. Events are decided, and the others deliver, in any case."""
        for name, fine in good.items():
            await self._set(f"{CONNECTORS}.{name}", good=fine)
        await self._set(CONNECTORS, good=all(good.values()))

    async def _set(self, service: str, *, good: bool) -> None:
        status = health_pb2.HealthCheckResponse.SERVING if good else health_pb2.HealthCheckResponse.NOT_SERVING
        await self.servicer.set(service, status)


class Servicers(NamedTuple):
    """What answers the calls, by gRPC and over HTTP."""

    requests: request_service_pb2_grpc.RequestServiceServicer
    decisions: decision_service_pb2_grpc.DecisionServiceServicer
    rulebooks: rulebook_service_pb2_grpc.RulebookServiceServicer
    connectors: connector_service_pb2_grpc.ConnectorServiceServicer

    def register(self, server: Any) -> None:
        """Registers all of them with a server."""
        request_service_pb2_grpc.add_RequestServiceServicer_to_server(self.requests, server)  # type: ignore[no-untyped-call,unused-ignore]
        decision_service_pb2_grpc.add_DecisionServiceServicer_to_server(self.decisions, server)  # type: ignore[no-untyped-call,unused-ignore]
        rulebook_service_pb2_grpc.add_RulebookServiceServicer_to_server(self.rulebooks, server)  # type: ignore[no-untyped-call,unused-ignore]
        connector_service_pb2_grpc.add_ConnectorServiceServicer_to_server(self.connectors, server)  # type: ignore[no-untyped-call,unused-ignore]


def build_server(
    config: ServerConfig,
    interceptors: Sequence[grpc.aio.ServerInterceptor],
    servicers: Servicers,
    state: Health,
) -> grpc.aio.Server:
    """A server with all services. The server does not listen yet."""
    server = grpc.aio.server(interceptors=interceptors, options=options(config))
    servicers.register(server)
    health_pb2_grpc.add_HealthServicer_to_server(state.servicer, server)
    if config.reflection:
        reflection.enable_server_reflection((*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    return server


def options(config: ServerConfig) -> list[tuple[str, Any]]:
    """The channel options: limits, and a keepalive that tolerates the clients of the same checklist."""
    return [
        ("grpc.so_reuseport", 1),
        ("grpc.max_receive_message_length", config.limits.message_bytes),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_metadata_size", 16_384),
        ("grpc.max_concurrent_streams", 1024),
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 30_000),
        # Connections are renewed now and then, so that clients spread over newer workers.
        ("grpc.max_connection_age_ms", 600_000),
        ("grpc.max_connection_age_grace_ms", 30_000),
    ]


def listen(server: grpc.aio.Server, config: ServerConfig) -> int:
    """Binds the configured address. Returns the bound port. Raises InvalidConfig."""
    address = str(config.listen)
    try:
        if config.tls:
            port = server.add_secure_port(address, _credentials(config))
        else:
            port = server.add_insecure_port(address)
    except RuntimeError as error:
        raise InvalidConfig(
            f"cannot listen on {address}; is the port in use, or the address another machine's?"
        ) from error
    if port == 0:
        raise InvalidConfig(f"cannot listen on {address}; is the port in use, or the address another machine's?")
    return port


def _credentials(config: ServerConfig) -> grpc.ServerCredentials:
    assert config.tls_key is not None
    assert config.tls_cert is not None
    authorities = _read(config.tls_client_ca) if config.tls_client_ca is not None else None
    return grpc.ssl_server_credentials(
        [(_read(config.tls_key), _read(config.tls_cert))],
        root_certificates=authorities,
        require_client_auth=authorities is not None,
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidConfig(f"cannot read {path}: {error.strerror}") from error
