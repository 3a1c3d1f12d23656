"""Where the rules of a server come from: never from a guess, and never over the rules of somebody else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import grpc
import pytest

from answerby.api.v1 import rulebook_service_pb2 as pb
from answerby.domain.errors import AnswerbyError
from answerby.server.base.config import Config
from answerby.server.live.rules_origin import DemoRefused, NoRules, check_origin
from tests.kit.patience import eventually
from tests.kit.rulebooks import COMPLAINTS, write
from tests.kit.workers import launched


def variant(folder: Path, within: str) -> Path:
    """The complaints rules with another target."""
    files = {name: text.replace("2s", within) for name, text in COMPLAINTS.items()}
    assert files != COMPLAINTS
    return write(folder, files)


async def shown(running) -> pb.GetRulebookResponse:
    return (await running.rulebooks.GetRulebook(pb.GetRulebookRequest())).rulebook


def errors(rulebook) -> list[str]:
    return [diagnostic.code for diagnostic in rulebook.diagnostics if diagnostic.severity == "error"]


def lines(running) -> list[dict]:
    return [json.loads(line) for line in running.log.getvalue().splitlines()]


async def test_without_a_folder_the_rules_of_the_store_go_on(settings, launch):
    async with launch() as running:
        before = (await shown(running)).revision
    settings["rules"].pop("folder")
    async with launch() as running:
        now = await shown(running)
        assert (now.revision, errors(now)) == (before, [])
        (line,) = [line for line in lines(running) if line["event"] == "no rules folder, the rules of the store go on"]
        assert (line["level"], line["revision"]) == ("warning", before)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await running.rulebooks.ReloadRulebook(pb.ReloadRulebookRequest(reason="x"))
        assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
        assert (await shown(running)).revision == before


async def test_an_empty_store_and_no_folder_refuse_to_start_with_the_remedy(settings, launch):
    settings["rules"].pop("folder")
    with pytest.raises(NoRules) as caught:
        async with launch():
            pass
    assert all(remedy in caught.value.message for remedy in ("rules.folder", "answerby run", "--demo"))


async def test_a_store_that_lost_its_data_gets_the_last_good_copy_back(settings, launch, store, redis_url):
    async with launch() as running:
        before = (await shown(running)).revision

        async def copied() -> bool:
            return (Path(settings["store"]["data_folder"]) / "rulebooks" / "last-good").exists()

        await eventually(copied)
    from redis.asyncio import Redis

    async with Redis.from_url(redis_url) as client:
        await client.flushdb()
    settings["rules"].pop("folder")
    async with launch() as running:
        assert (await shown(running)).revision == before


async def test_demo_rules_never_go_over_other_rules(settings, launch, tmp_path, store):
    demo = variant(tmp_path / "demo", "3s")
    async with launch() as running:
        before = (await shown(running)).revision
    mine = settings["rules"]["folder"]
    settings["rules"] |= {"folder": str(demo), "demo": True}
    with pytest.raises(DemoRefused, match=before):
        async with launch():
            pass
    pointer = await store.revisions.active()
    assert pointer is not None
    assert pointer.revision == before
    settings["rules"] |= {"folder": mine, "demo": False}
    async with launch() as running:
        assert (await shown(running)).revision == before


async def test_demo_rules_go_into_an_empty_store_again_and_again_and_own_rules_over_them(settings, launch, tmp_path):
    mine = settings["rules"]["folder"]
    settings["rules"] |= {"folder": str(variant(tmp_path / "demo", "3s")), "demo": True}
    async with launch() as running:
        first = (await shown(running)).revision
    # The demo rules of another version of answerby.
    settings["rules"]["folder"] = str(variant(tmp_path / "newer", "4s"))
    async with launch() as running:
        second = (await shown(running)).revision
    assert first != second
    settings["rules"] |= {"folder": mine, "demo": False}
    async with launch() as running:
        assert (await shown(running)).revision not in {first, second}


async def test_demo_rules_that_an_older_version_loaded_as_a_folder_are_known(settings, launch, store):
    async with launch():
        pass
    config = Config.model_validate({**settings, "rules": {**settings["rules"], "demo": True}})
    await check_origin(store, config.rules, None)
    elsewhere = config.rules.model_copy(update={"folder": Path("/elsewhere")})
    with pytest.raises(AnswerbyError):
        await check_origin(store, elsewhere, None)


async def test_a_second_folder_is_not_put_live_while_a_server_of_the_first_runs(settings, launch, tmp_path):
    """Neither at its start nor when it changes; everybody sees it; a person may decide otherwise."""
    async with launch() as first:
        live = (await shown(first)).revision
        other = variant(tmp_path / "other", "3s")
        second_settings = {**settings, "rules": {**settings["rules"], "folder": str(other), "watch": True}}
        async with launched(second_settings) as second:
            for running in (first, second):

                async def told(running=running) -> bool:
                    rulebook = await shown(running)
                    return errors(rulebook) == ["OTHER_FOLDER"]

                await eventually(told)
                rulebook = await shown(running)
                assert rulebook.revision == live
                assert str(other) in rulebook.diagnostics[0].message
                assert settings["rules"]["folder"] in rulebook.diagnostics[0].message
            assert any(line.get("reason") == "OTHER_FOLDER" and line["level"] == "warning" for line in lines(second))

            variant(other, "5s")

            async def refused_again() -> bool:
                return sum(line.get("warning", "").startswith("two servers") for line in lines(second)) == 2

            await eventually(refused_again)
            assert (await shown(second)).revision == live

            await second.rulebooks.ReloadRulebook(pb.ReloadRulebookRequest(reason="these"))

            async def moved() -> bool:
                return (await shown(first)).revision == (await shown(second)).revision != live

            await eventually(moved)


async def test_another_folder_goes_live_when_no_server_has_the_first(settings, launch, tmp_path):
    async with launch() as running:
        before = (await shown(running)).revision
    settings["rules"]["folder"] = str(variant(tmp_path / "other", "3s"))
    async with launch() as running:
        rulebook = await shown(running)
        assert rulebook.revision != before
        assert errors(rulebook) == []


async def test_the_same_rules_in_two_folders_are_no_conflict(settings, launch, tmp_path):
    copy = shutil.copytree(settings["rules"]["folder"], tmp_path / "copy")
    async with launch(), launched({**settings, "rules": {**settings["rules"], "folder": str(copy)}}) as second:
        assert errors(await shown(second)) == []
