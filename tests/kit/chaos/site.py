"""A whole service whose parts can be killed: a supervisor, two workers and a store, and nobody else who starts them again.

What restarts the store and the service is part of the site: for the embedded store the supervisor, for a Redis of one's own
and for the service itself this file, as an init system would.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Mapping
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import Any

import grpc.aio
import redis

from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import request_service_pb2_grpc as rpc
from answerby.store.embedded import EmbeddedValkey
from tests.kit.chaos.slow_sync import inherited
from tests.kit.chaos.traffic import OPTIONS
from tests.kit.clients import insist
from tests.kit.patience import eventually
from tests.kit.processes import alive, free_address, workers_of
from tests.kit.rulebooks import OFFICE, write
from tests.kit.served import Served, serving

WORKERS = 2
EVERY_KIND = ["notify", "create_task", "open_case"]


class Victim(StrEnum):
    """What is killed at one moment."""

    WORKER = "a worker"
    WORKERS = "all workers"
    SUPERVISOR = "the supervisor"
    STORE = "the store"
    STORE_AND_WORKER = "the store and a worker"
    EVERYTHING = "everything"


def settings_of(folder: Path, redis_url: str | None, listen: str = "127.0.0.1:0") -> dict[str, Any]:
    """A service with two workers that writes all effects to a file."""
    connector = {"name": "file", "type": "file", "sources": ["*"], "effects": EVERY_KIND}
    connector["settings"] = {"path": str(delivered_in(folder)), "fsync": False}
    return {
        "server": {"listen": listen, "workers": WORKERS, "drain_seconds": 2},
        "store": {"redis_url": redis_url, "data_folder": str(folder / "data")},
        "rules": {"folder": str(write(folder / "rules", OFFICE))},
        "metrics": {"listen": "127.0.0.1:0"},
        "log": {"level": "info"},
        "connectors": [connector],
    }


def delivered_in(folder: Path) -> Path:
    """The file of the delivered effects."""
    return folder / "delivered.jsonl"


class Site:
    """A service and its store in `folder`. `binary` is a redis-server of one's own, None for the embedded store."""

    def __init__(self, folder: Path, binary: Path | None, environment: Mapping[str, str]) -> None:
        self.address = free_address()
        self.delivered = delivered_in(folder)
        self._environment = environment
        self._own = EmbeddedValkey(folder / "redis", binary=binary) if binary is not None else None
        self._socket = folder / ("redis" if self._own else "data") / "valkey.sock"
        self._settings = settings_of(folder, None, self.address)
        self._served: Served | None = None
        self._stack = ExitStack()

    async def start(self) -> None:
        """Starts what does not run, and waits until all of it is ready."""
        if self._own is not None and not self._own.alive():
            await asyncio.to_thread(self._start_own)
            self._settings["store"]["redis_url"] = self._own.url
        if self._served is None:
            self._served = self._stack.enter_context(serving(self._settings, environment=self._environment))
        await self.ready()

    async def ready(self) -> None:
        """Waits until the store and every worker do their work."""
        await eventually(self._store_pid, "the store answers")
        await eventually(self._all_workers_ready, "every worker is ready")
        async with grpc.aio.insecure_channel(self.address, options=OPTIONS) as channel:
            await insist(rpc.RequestServiceStub(channel).ListRequests, pb.ListRequestsRequest(page_size=1))

    async def kill(self, victim: Victim) -> float:
        """Kill -9, then the seconds until all is ready again."""
        served = self._running
        workers = workers_of(served.process.pid)
        store = self._store_pid()
        assert store is not None
        victims = {
            Victim.WORKER: workers[:1],
            Victim.WORKERS: workers,
            Victim.SUPERVISOR: [served.process.pid],
            Victim.STORE: [store],
            Victim.STORE_AND_WORKER: [store, workers[0]],
            Victim.EVERYTHING: [served.process.pid, *workers, store],
        }[victim]
        started = time.monotonic()
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        await eventually(lambda: not any(map(alive, victims)), "the victims end")
        if self._own is not None and store in victims:
            # Its parent learns of the end only when the last thread has ended.
            await eventually(lambda: not self._own.alive(), "the store ends")
        if served.process.pid in victims:
            # Workers without a supervisor end by themselves, and hold the port until then.
            await eventually(lambda: not any(map(alive, workers)), "the workers end")
            self._stack.close()
            self._served = None
        await self.start()
        return time.monotonic() - started

    def stop(self) -> int:
        """Stops the service in order; returns its exit status."""
        status = self._running.stop()
        self._served = None
        return status

    def close(self) -> None:
        """Ends whatever runs."""
        self._stack.close()
        if self._own is not None:
            self._own.stop()

    @property
    def _running(self) -> Served:
        assert self._served is not None
        return self._served

    def _start_own(self) -> None:
        assert self._own is not None
        with inherited(self._environment):
            self._own.start()

    def _all_workers_ready(self) -> bool:
        served = self._running
        assert served.process.poll() is None, f"the service has ended: {served.rest()[-5:]}"
        return len(served.ready_workers()) == WORKERS

    def _store_pid(self) -> int | None:
        """The process of the store, once it answers."""
        with contextlib.suppress(redis.RedisError), redis.Redis(unix_socket_path=str(self._socket)) as client:
            pid: int = client.info("server")["process_id"]
            return pid
        return None
