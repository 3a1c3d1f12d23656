"""serve() starts our own store if needed, the ports, the metrics and the workers, and stops them in reverse order."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Thread

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from answerby import native
from answerby.domain.errors import StoreUnavailable
from answerby.server.base.config import Address, Approval, Config, InvalidConfig
from answerby.server.base.logs import Logger, make_logger
from answerby.server.base.store_keeper import StoreKeeper
from answerby.server.http_server import shared_socket
from answerby.server.live.rules_origin import check_origin
from answerby.server.live.snapshots import Snapshots, copies_folder
from answerby.server.supervisor import Supervisor
from answerby.store.embedded import EmbeddedValkey
from answerby.store.store import Store

MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"


def serve(config: Config, on_ready: Callable[[Address], None] | None = None) -> int:
    """Serves until a stop signal. Returns the exit status. `on_ready` gets the address once every worker listens.

    Raises AnswerbyError when the start fails: a port in use, a data folder in use, no store.
    """
    logger = make_logger(config.log.level)
    with ExitStack() as stack:
        config, keep_store = _with_store(config, stack, logger)
        _check_store(config, logger)
        config = _with_ports(config, stack)
        folder = Path(tempfile.mkdtemp(prefix="answerby-metrics-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)

        def announce() -> None:
            listen, workers = config.server.listen, config.server.workers
            logger.info("listening", address=str(listen), workers=workers, compiled=native.in_use())
            if on_ready is not None:
                on_ready(listen)

        supervisor = Supervisor(
            config,
            logger,
            {**os.environ, MULTIPROCESS: str(folder)},
            on_ready=announce,
            on_exit=lambda pid: mark_process_dead(pid, str(folder)),  # type: ignore[no-untyped-call]
            on_tick=keep_store,
        )
        _serve_metrics(config, supervisor, folder, stack, logger)
        return supervisor.run()


def _with_store(config: Config, stack: ExitStack, logger: Logger) -> tuple[Config, Callable[[], None]]:
    """The configuration with a store, and the keeper of our own store.

    Our store starts when the configuration names none.
    """
    if config.store.redis_url is not None:
        return config, lambda: None
    keeper = StoreKeeper(EmbeddedValkey(config.store.data_folder), logger)
    stack.callback(keeper.stop)
    return _changed(config, "store", redis_url=keeper.start()), keeper.look


def _check_store(config: Config, logger: Logger) -> None:
    """Brings the store up to date. Raises AnswerbyError when a server must not start with this store and these rules.

    A store that does not answer is no reason: the workers look again.
    """
    url = config.store.redis_url
    assert url is not None
    with suppress(StoreUnavailable):
        asyncio.run(_check(url, config, logger))


async def _check(url: str, config: Config, logger: Logger) -> None:
    store = await Store.connect(url)
    try:
        if store.migration is not None:
            logger.info("store brought up to date", before=store.migration.before, count=store.migration.moved)
        required = config.rules.approval is Approval.REQUIRED
        await check_origin(store, config.rules, None if required else Snapshots(copies_folder(config)))
    finally:
        await store.close()


def _with_ports(config: Config, stack: ExitStack) -> Config:
    """The configuration with the shared ports of all workers. The ports stay reserved until the end."""
    config = _changed(config, "server", listen=_reserve(config.server.listen, stack))
    if config.http.listen is not None:
        config = _changed(config, "http", listen=_reserve(config.http.listen, stack))
    return config


def _changed(config: Config, section: str, **values: object) -> Config:
    return config.model_copy(update={section: getattr(config, section).model_copy(update=values)})


def _reserve(address: Address, stack: ExitStack) -> Address:
    """Binds the port without listening, to reserve the port. Raises InvalidConfig when the port is in use."""
    if address.port:
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # Without SO_REUSEPORT the call fails when any process listens, another answerby included.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address.host, address.port))
            except OSError as error:
                raise InvalidConfig(f"cannot listen on {address}: {error.strerror}; choose another port") from error
    held = stack.enter_context(shared_socket(address))
    return Address(host=address.host, port=held.getsockname()[1])


class _Own(Collector):
    """The metrics of the supervisor itself."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily("answerby_workers", "Worker processes alive.", value=self._supervisor.alive)
        yield GaugeMetricFamily(
            "answerby_worker_restarts", "Workers replaced since the start.", value=self._supervisor.restarts
        )


def _serve_metrics(config: Config, supervisor: Supervisor, folder: Path, stack: ExitStack, logger: Logger) -> None:
    address = config.metrics.listen
    if address is None:
        return
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]
    registry.register(_Own(supervisor))
    try:
        server, thread = start_http_server(address.port, address.host, registry)
    except OSError as error:
        raise InvalidConfig(f"cannot serve metrics on {address}: {error.strerror}; set metrics.listen") from error
    stack.callback(_close_metrics, server.shutdown, server.server_close, thread)
    port = server.server_port
    logger.info("metrics", address=str(Address(host=address.host, port=port)))


def _close_metrics(shutdown: Callable[[], None], close: Callable[[], None], thread: Thread) -> None:
    shutdown()
    close()
    thread.join(5)
