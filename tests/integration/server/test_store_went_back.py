"""A store that goes back under a running worker: the log, a metric and a detail of health say so, no number comes twice."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
from datetime import UTC, datetime

from answerby.api.v1 import request_service_pb2 as pb
from answerby.server.rpc.grpc_server import STORE
from answerby.store.embedded import EmbeddedValkey
from answerby.store.safety.marks import AHEAD
from tests.kit.clients import insist
from tests.kit.patience import eventually

WHEN = datetime(2026, 3, 2, tzinfo=UTC)


async def test_a_backup_that_is_restored_is_told(settings, launch, make_event, tmp_path):
    valkey = EmbeddedValkey(tmp_path / "store")
    valkey.start()
    settings["store"]["redis_url"] = valkey.url
    data, backup = valkey.folder / "appendonlydir", tmp_path / "backup"

    async with launch() as running:

        async def number_of(n: int) -> str:
            message = pb.SubmitEventRequest(event=make_event(n, when=WHEN))
            return (await insist(running.requests.SubmitEvent, message)).decision.number

        given = [await number_of(1)]
        await running.health_is("SERVING", STORE)
        shutil.copytree(data, backup)
        given += [await number_of(2), await number_of(3)]
        os.kill(valkey.pid, signal.SIGKILL)
        await eventually(lambda: not valkey.alive())
        shutil.rmtree(data)
        backup.rename(data)
        await asyncio.to_thread(valkey.start)
        assert await number_of(4) == f"202603-DSK-{2 + AHEAD:03d}"
        assert given == ["202603-DSK-001", "202603-DSK-002", "202603-DSK-003"]
        await running.health_is("NOT_SERVING", STORE)
        await running.health_is("SERVING")
        lines = [json.loads(line) for line in running.log.getvalue().splitlines()]
        (loss,) = [line for line in lines if line["event"] == "store has lost decisions"]
        assert (loss["level"], loss["tenant"]) == ("error", "default")
        assert loss["count"] == loss["known"] - loss["found"] >= 2
        assert running.registry.get_sample_value("answerby_store_lost_decisions_total") == loss["count"]
    await asyncio.to_thread(valkey.stop)
