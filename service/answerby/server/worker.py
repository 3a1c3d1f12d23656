"""One worker: a process with a gRPC server, an intake consumer, timers, delivery and webhooks, on one event loop.

A background loop outlives a failed step. A failure that ends a loop ends the process, and the supervisor starts
another. From that failure on the worker refuses calls, since nobody would decide them.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Any

import grpc.aio
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from answerby.domain.errors import AnswerbyError
from answerby.server.base.config import Config, InvalidConfig
from answerby.server.base.logs import Logger, forward_library_logs, make_logger
from answerby.server.base.loops import pause
from answerby.server.base.marks_folder import marks_folder
from answerby.server.base.metrics import Metrics
from answerby.server.base.services import Services, utc_now
from answerby.server.base.store_clock import ClockWatch, StoreClock
from answerby.server.base.store_watch import StoreWatch
from answerby.server.base.unreadable_report import report_unreadable
from answerby.server.flow.delivering.delivery import DeliveryLoop
from answerby.server.flow.delivering.roster import Roster
from answerby.server.flow.delivering.standings import Standings
from answerby.server.flow.dry_run import DryRun
from answerby.server.flow.housekeeping import Housekeeping
from answerby.server.flow.intake import Intake
from answerby.server.flow.polling import PollingLoop
from answerby.server.flow.processing.processor import Processor
from answerby.server.flow.schedules import ScheduleLoop
from answerby.server.flow.tenant_tasks import PerTenant
from answerby.server.flow.timers import TimerLoop
from answerby.server.flow.webhooks import HookApp, Hooks
from answerby.server.http_server import HttpServer, Tls
from answerby.server.live.engine_faults import EngineWatch
from answerby.server.live.live_rules import LiveRules
from answerby.server.live.preparing import SWITCH_SECONDS
from answerby.server.live.rulebooks import RulebookHolder, State
from answerby.server.rest.api import api_routes
from answerby.server.rest.bindings import handlers_of
from answerby.server.rest.gateway import Gateway
from answerby.server.rpc.auth import Authenticator
from answerby.server.rpc.connector_service import ConnectorServicer
from answerby.server.rpc.decision_service import DecisionServicer
from answerby.server.rpc.grpc_server import Health, Servicers, build_server, listen
from answerby.server.rpc.interceptors import CallInterceptor, Gate
from answerby.server.rpc.request_service import RequestServicer
from answerby.server.rpc.rulebook_service import RulebookServicer
from answerby.server.rpc.watch import Watcher
from answerby.store.connection import StoreOptions
from answerby.store.store import Store
from answerby_connectors.kit.registry import build_connector

BEAT_SECONDS = 1.0
ANSWER_SECONDS = 2.0
"""The time for the last answers of a server that stops."""


class Worker:
    """All parts of one process. `config.store.redis_url` must be set. `slot` numbers the workers of a machine."""

    def __init__(
        self,
        config: Config,
        logger: Logger,
        slot: int = 0,
        clock: Callable[[], datetime] = utc_now,
        registry: CollectorRegistry | None = None,
    ) -> None:
        self._config = config
        self._logger = logger
        self._clock = clock
        self._metrics = Metrics(registry or CollectorRegistry())
        self._slot = slot
        self._consumer = f"{socket.gethostname()}-{slot}"
        self._stopping = asyncio.Event()
        self._drained = asyncio.Event()
        self._health = Health()
        self._gate = Gate(config.server.limits)
        self._authenticator = Authenticator(config.server.tokens, config.server.default_tenant)
        self._interceptor = CallInterceptor(self._authenticator, self._gate, self._metrics, logger)
        self.port = 0
        """The gRPC port, once the worker listens."""
        self.http_port = 0
        """The webhook port, once the worker listens. 0 without webhooks."""

    @property
    def calls_in_progress(self) -> int:
        return self._gate.calls

    def stop(self) -> None:
        """Starts the drain: no new work begins, and the worker ends after the work in progress."""
        self._stopping.set()

    async def run(self, beat: Callable[[], None] = lambda: None, ready: Callable[[], None] = lambda: None) -> None:
        """Works until `stop`, then drains. `beat` is called every second, and `ready` once the worker listens.

        Raises AnswerbyError when the start fails, and the error of a failed background loop.
        """
        url = self._config.store.redis_url
        if url is None:
            raise InvalidConfig("store.redis_url is not set; the supervisor sets it for its workers")
        async with AsyncExitStack() as stack:
            store = await Store.connect(url, self._store_options())
            stack.push_async_callback(store.close)
            if store.migration is not None:
                self._logger.info(
                    "store brought up to date", before=store.migration.before, count=store.migration.moved
                )
            for warning in await store.check():
                self._logger.warning("store setting", warning=warning)
            clock = StoreClock(store, self._clock)
            await clock.measure()
            services = Services(store, self._metrics, self._logger, clock.now, clock.skew)
            report_unreadable(services)
            rulebooks = RulebookHolder(services)
            stack.callback(rulebooks.close)
            rules = LiveRules(services, self._config, rulebooks, self._slot)
            stack.push_async_callback(rules.close)
            connectors = Roster(services, self._config.routes, build_connector)
            stack.push_async_callback(connectors.close)
            standings = Standings(services, connectors)
            limits = self._config.server.limits
            processor = Processor(
                services, rulebooks, self._config.routes, limits.waiting_events, rules.trial.offer, limits.id_characters
            )
            servicers = self._servicers(services, processor, rulebooks, rules, standings, connectors)
            server = build_server(self._config.server, [self._interceptor], servicers, self._health)
            # A worker joins the shared port only once it can decide. With a bad folder the worker joins to report the
            # problem.
            await rules.start()
            self.port = listen(server, self._config.server)
            await self._health.show(serving=False)
            await server.start()
            # A worker that fails has callers too. They hear that it stops.
            stack.push_async_callback(self._finish_calls, server, 0)
            http = await self._http(services, connectors, servicers)
            if http is not None:
                stack.push_async_callback(http.stop)
            ready()

            def consume(tenant: str) -> Coroutine[Any, Any, None]:
                intake = Intake(services, processor, connectors, limits, tenant, self._consumer)
                return intake.run(self._stopping)

            feeding = [
                PerTenant(services, self._tenants(), consume).run(self._stopping),
                TimerLoop(services, processor, self._config.timers).run(self._stopping),
                ScheduleLoop(services, rulebooks, self._config.routes).run(self._stopping),
                PollingLoop(services, connectors.members, connectors).run(self._stopping),
            ]
            delivery = DeliveryLoop(services, connectors, connectors.options())
            serving = [
                processor.run(),
                delivery.run(),
                self._beats(beat),
                self._keep_health(rulebooks, store, standings),
            ]
            serving += [rules.run(self._stopping), Housekeeping(services).run(self._stopping)]
            serving += [connectors.run(self._stopping), standings.run(self._stopping)]
            serving.append(ClockWatch(services, clock).run(self._stopping))
            async with asyncio.TaskGroup() as group:
                for task in serving:
                    group.create_task(self._essential(task))
                feeders = [group.create_task(self._essential(loop)) for loop in feeding]
                await self._stopping.wait()
                await self._drain(feeders, processor, delivery, server, http)

    async def _essential(self, loop: Coroutine[Any, Any, None]) -> None:
        """Runs a part that no worker can be without. After its failure every call is refused at once."""
        try:
            await loop
        except Exception:
            self._gate.draining.set()
            raise

    def _store_options(self) -> StoreOptions:
        settings = self._config.store
        return StoreOptions(
            idempotency_ttl=timedelta(days=settings.idempotency_days),
            log_retention=timedelta(days=settings.retention_days),
            durability=settings.durability,
            marks=marks_folder(settings, self._logger),
        )

    def _tenants(self) -> frozenset[str]:
        """The tenants that the configuration names."""
        return self._authenticator.tenants | {entry.tenant for entry in self._config.routes}

    def _servicers(
        self,
        services: Services,
        processor: Processor,
        rulebooks: RulebookHolder,
        rules: LiveRules,
        standings: Standings,
        connectors: Roster,
    ) -> Servicers:
        settings = self._config.server
        watcher = Watcher(services, self._gate.draining)
        return Servicers(
            RequestServicer(services, processor, rulebooks, watcher, settings.limits),
            DecisionServicer(services, rulebooks, settings.limits),
            RulebookServicer(services, rulebooks, rules),
            ConnectorServicer(
                services,
                connectors,
                standings,
                DryRun(services, rulebooks, self._config.routes, settings.limits),
            ),
        )

    async def _http(self, services: Services, connectors: Roster, servicers: Servicers) -> HttpServer | None:
        settings, server = self._config.http, self._config.server
        if settings.listen is None:
            return None
        routes = HookApp(services, Hooks(connectors), server.limits, settings.body_bytes).routes()
        if settings.api:
            gateway = Gateway(self._interceptor, handlers_of(servicers.register), server.limits.message_bytes)
            routes += api_routes(gateway)
        tls = None
        if settings.tls and server.tls_cert is not None and server.tls_key is not None:
            tls = Tls(server.tls_cert, server.tls_key, server.tls_client_ca)
        http = HttpServer(Starlette(routes=routes), settings.listen, tls)
        self.http_port = await http.start()
        return http

    async def _drain(
        self,
        feeders: list[asyncio.Task[None]],
        processor: Processor,
        delivery: DeliveryLoop,
        server: grpc.aio.Server,
        http: HttpServer | None,
    ) -> None:
        """Tells callers about the end first, then finishes the events at hand, then the effects under way."""
        self._logger.info("draining")
        await self._health.show(serving=False)
        self._gate.draining.set()
        if http is not None:
            await http.stop()
        await self._finish_calls(server, self._config.server.drain_seconds)
        await asyncio.wait(feeders)
        processor.stop()
        await delivery.drain()
        self._drained.set()

    async def _finish_calls(self, server: grpc.aio.Server, seconds: float) -> None:
        """Takes no more calls, gives those in progress `seconds`, then answers the others that this server stops."""
        # The library ends calls without a word that no handler has begun, and all others when its time is up.
        await self._gate.refuse()
        stopping = asyncio.ensure_future(server.stop(seconds + ANSWER_SECONDS))
        await self._gate.drained(seconds)
        self._gate.end_calls()
        await stopping

    async def _keep_health(self, rulebooks: RulebookHolder, store: Store, standings: Standings) -> None:
        """Reports health: serving while a rulebook is present and no drain runs.

        Faults of the engine, losses of the store and connectors that wait for an operator are reported too.
        """
        shown: bool | None = None
        detail: bool | None = None
        kept: bool | None = None
        connected: dict[str, bool] | None = None
        engine = EngineWatch(self._metrics, self._logger)
        losses = StoreWatch(store, self._metrics, self._logger)
        while not self._stopping.is_set():
            if rulebooks.matcher is not None:
                engine.look(rulebooks.matcher)
            serving = rulebooks.status.state is not State.UNAVAILABLE
            if serving != shown:
                await self._health.show(serving=serving)
                shown = serving
                self._logger.info("serving" if serving else "not serving", address=str(self._config.server.listen))
            good = rulebooks.status.state is State.ACTIVE
            if good != detail:
                await self._health.show_rulebook(good=good)
                detail = good
            if (whole := losses.look()) != kept:
                await self._health.show_store(good=whole)
                kept = whole
            if standings.good != connected:
                connected = standings.good
                await self._health.show_connectors(connected)
            await pause(self._stopping, 0.05)

    async def _beats(self, beat: Callable[[], None]) -> None:
        """Beats during the drain too. A worker that still beats is not stuck."""
        while not self._drained.is_set():
            beat()
            await pause(self._drained, BEAT_SECONDS)


def main() -> int:
    """Runs a worker. Standard input holds the configuration.

    The arguments are the heartbeat file descriptor and the slot.
    """
    config = Config.model_validate_json(sys.stdin.buffer.read())
    logger = make_logger(config.log.level).bind(worker=int(sys.argv[2]), pid=os.getpid())
    forward_library_logs(logger)
    # A rulebook that compiles in a thread must not delay the requests.
    sys.setswitchinterval(SWITCH_SECONDS)
    # Ctrl-C reaches the whole process group. Only the supervisor acts on the signal.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        asyncio.run(_supervised(config, logger, pipe=int(sys.argv[1]), slot=int(sys.argv[2])))
    except AnswerbyError as error:
        logger.error("worker cannot run", reason=error.reason, warning=error.message)  # noqa: TRY400 - no bug, no trace
        return 1
    except Exception as error:
        logger.exception("worker failed", exc_info=error)
        return 1
    return 0


async def _supervised(config: Config, logger: Logger, pipe: int, slot: int) -> None:
    worker = Worker(config, logger, slot)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)

    def say(what: bytes) -> None:
        try:
            os.write(pipe, what)
        except BrokenPipeError:
            # The supervisor is gone, so nobody would replace or stop this worker.
            worker.stop()

    def ready() -> None:
        # Objects from the start stay alive. Repeated garbage collection of these objects would delay requests.
        gc.collect()
        gc.freeze()
        say(b"R")

    await worker.run(beat=lambda: say(b"."), ready=ready)


if __name__ == "__main__":
    sys.exit(main())
