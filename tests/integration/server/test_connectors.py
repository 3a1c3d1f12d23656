"""The life of connectors in a running service: one that cannot work harms no other, and what is for it waits."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.kit.clients import submit
from tests.kit.patience import eventually
from tests.kit.served import serving


def entry(name: str, type: str = "file", **values: Any) -> dict[str, Any]:  # noqa: A002 - the key of the configuration
    return {"name": name, "type": type, "sources": ["crm/"], **values}


def lines(path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


async def test_a_connector_that_cannot_be_built_is_disabled_alone_and_its_effects_wait(
    settings, store, make_event, tmp_path
):
    out, late, place = tmp_path / "out.jsonl", tmp_path / "late.jsonl", tmp_path / "place"
    hook = {"url": "https://example.org/x", "secrets": ["whsec_%%%"]}
    settings["connectors"] = [
        entry("good", settings={"path": str(out)}),
        entry("bad-type", type="no-such"),
        entry("bad-key", settings={"path": str(out), "colour": "red"}),
        entry("bad-secret", type="webhook", settings=hook),
        entry("no-file", settings={"path_file": str(place)}),
        entry("bad-effect", effects=["shout"], settings={"path": str(out)}),
        entry("bad-tenant", tenannt="acme", settings={"path": str(out)}),
    ]
    settings["log"] = {"level": "info"}
    with serving(settings) as served:
        address = await asyncio.to_thread(served.address)
        disabled = {line["connector"]: line for line in served.lines if line["event"] == "connector disabled"}
        assert disabled.keys() == {"bad-type", "bad-key", "bad-secret", "no-file", "bad-effect", "bad-tenant"}
        assert all(name in line["reason"] and line["level"] == "error" for name, line in disabled.items())
        assert "colour: unknown key" in disabled["bad-key"]["reason"]
        assert "effects.0: " in disabled["bad-effect"]["reason"]
        assert "tenannt: unknown key; nothing is queued" in disabled["bad-tenant"]["reason"]
        assert "%%%" not in disabled["bad-secret"]["reason"]
        assert f"path_file: cannot read {place}" in disabled["no-file"]["reason"]

        await submit(address, [make_event()])

        async def delivered() -> bool:
            # The line is written before the outcome is stored.
            waiting = {depth.connector: depth.waiting for depth in await store.outbox.depths("default")}
            return waiting == {"good": 0, "bad-type": 1, "bad-key": 1, "bad-secret": 1, "no-file": 1, "bad-effect": 1}

        await eventually(delivered)
        assert len(lines(out)) == 1

        place.write_text(f"{late}\n")

        async def delivered_late() -> bool:
            return len(lines(late)) == 1

        await eventually(delivered_late)
        assert lines(late)[0]["request_id"] == "R-1"
        assert not [line for line in served.lines if line["event"] == "worker ended, replaced"]


async def test_a_paused_connector_queues_and_one_that_is_off_does_not(settings, store, make_event, tmp_path):
    out = tmp_path / "out.jsonl"
    settings["connectors"] = [
        entry("good", settings={"path": str(out)}),
        entry("rests", enabled="paused", settings={"path": str(out)}),
        entry("off", enabled=False, settings={"path": str(out)}),
    ]
    settings["log"] = {"level": "info"}
    with serving(settings) as served:
        address = await asyncio.to_thread(served.address)
        (said,) = [line for line in served.lines if line["event"] == "connector off"]
        assert said["connector"] == "off"
        assert "neither delivered nor queued" in said["warning"]
        await submit(address, [make_event()])

        async def delivered() -> bool:
            # The line is written before the outcome is stored.
            waiting = {depth.connector: depth.waiting for depth in await store.outbox.depths("default")}
            return waiting == {"good": 0, "rests": 1}

        await eventually(delivered)
        assert len(lines(out)) == 1
