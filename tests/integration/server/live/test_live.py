"""A rule change goes live whole, everywhere, or not at all; and is taken back in one call."""

from __future__ import annotations

import asyncio
import shutil
import time

import grpc
import pytest
import redis
from grpc_health.v1 import health_pb2

from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import rulebook_service_pb2 as rulebook_pb
from answerby.store.rulebooks.revision_records import Heartbeat
from tests.kit.examples import scaled
from tests.kit.patience import PATIENCE, eventually
from tests.kit.refusals import refused

BROKEN = "stage: priority\nrules:\n  - {id: x, because: y, when: {no.such.field: 1}, then: {priority: high}}\n"
SOON = PATIENCE / 30
"""Seconds within which a mistake is seen by everybody: two, where the machine is as fast as expected."""


async def shown(running) -> rulebook_pb.Rulebook:
    return (await running.rulebooks.GetRulebook(rulebook_pb.GetRulebookRequest())).rulebook


async def history(running) -> list[rulebook_pb.Activation]:
    return list((await running.rulebooks.ListActivations(rulebook_pb.ListActivationsRequest())).activations)


async def reload(running, reason=""):
    return await running.rulebooks.ReloadRulebook(rulebook_pb.ReloadRulebookRequest(reason=reason))


async def rollback(running, **fields):
    return await running.rulebooks.RollbackRulebook(rulebook_pb.RollbackRulebookRequest(**fields))


def write_priority(rules, value):
    """A change that can be seen in a decision: complaints get this priority."""
    text = (rules / "priority.yaml").read_text("utf-8")
    (rules / "priority.yaml").write_text(text.replace("{priority: high}", f"{{priority: {value}}}"), "utf-8")


async def priority_of(running, make_event, number) -> tuple[str, str]:
    request = pb.SubmitEventRequest(event=make_event(number, facts={"text.body": "I complain"}))
    decision = (await running.requests.SubmitEvent(request)).decision
    return decision.facts["priority"].string_value, decision.revision


async def test_a_change_is_taken_back_in_one_call(running, rules, make_event):
    first = await shown(running)
    write_priority(rules, "top")
    changed = await reload(running, "complaints are urgent")
    assert (changed.changed, changed.revision) == (True, changed.rulebook.revision)
    assert (await priority_of(running, make_event, 1)) == ("top", changed.revision)

    reply = await rollback(running, reason="too many")
    assert (reply.from_revision, reply.rulebook.revision) == (changed.revision, first.revision)
    assert (await priority_of(running, make_event, 2)) == ("high", first.revision)

    ours = rulebook_pb.RulebookAction.Name
    assert [(ours(e.action), e.actor, e.reason, e.from_revision, e.to_revision) for e in await history(running)] == [
        ("RULEBOOK_ACTION_ROLLBACK", "(local)", "too many", changed.revision, first.revision),
        ("RULEBOOK_ACTION_RELOAD", "(local)", "complaints are urgent", first.revision, changed.revision),
        ("RULEBOOK_ACTION_START", "(folder)", "first start", "", first.revision),
    ]
    assert '"action":"rollback"' in running.log.getvalue()


async def test_rolling_back_again_goes_further_back(running, rules):
    names = [(await shown(running)).revision]
    for value in ("top", "low"):
        write_priority(rules, value)
        (rules / "routing.yaml").write_text((rules / "routing.yaml").read_text("utf-8") + f"# {value}\n", "utf-8")
        text = (rules / "priority.yaml").read_text("utf-8").replace("{priority: top}", "{priority: low}")
        if value == "low":
            (rules / "priority.yaml").write_text(text, "utf-8")
        names.append((await reload(running)).revision)
    assert len(set(names)) == 3
    assert (await rollback(running)).rulebook.revision == names[1]
    assert (await rollback(running)).rulebook.revision == names[0]
    assert await refused(rollback(running)) == (grpc.StatusCode.FAILED_PRECONDITION, "NO_PREVIOUS_REVISION")
    again = rulebook_pb.ActivateRevisionRequest(revision=names[2], reason="it was right")
    assert (await running.rulebooks.ActivateRevision(again)).rulebook.revision == names[2]


async def test_whoever_has_seen_another_rulebook_changes_nothing(running, rules):
    seen = (await shown(running)).etag
    write_priority(rules, "top")
    live = (await reload(running)).revision
    moved = (grpc.StatusCode.ABORTED, "RULEBOOK_CHANGED")
    assert await refused(rollback(running, etag=seen)) == moved
    kept = [r.revision for r in (await running.rulebooks.ListRevisions(rulebook_pb.ListRevisionsRequest())).revisions]
    other = next(name for name in kept if name != live)
    request = rulebook_pb.ActivateRevisionRequest(revision=other, etag=seen)
    assert await refused(running.rulebooks.ActivateRevision(request)) == moved
    assert (await shown(running)).revision == live
    now = (await shown(running)).etag
    assert (await rollback(running, etag=now)).rulebook.revision == other


async def test_an_unknown_revision_is_not_found(running):
    unknown = (grpc.StatusCode.NOT_FOUND, "REVISION_NOT_FOUND")
    for name, request in {
        "ActivateRevision": rulebook_pb.ActivateRevisionRequest(revision="r-none"),
        "GetRevision": rulebook_pb.GetRevisionRequest(revision="r-none"),
        "ApproveRevision": rulebook_pb.ApproveRevisionRequest(revision="r-none"),
        "RejectRevision": rulebook_pb.RejectRevisionRequest(revision="r-none"),
    }.items():
        assert await refused(getattr(running.rulebooks, name)(request)) == unknown


async def test_what_was_rolled_back_stays_so_after_a_restart_until_the_folder_changes(launch, rules):
    async with launch() as running:
        first = (await shown(running)).revision
        write_priority(rules, "top")
        second = (await reload(running)).revision
        await rollback(running)
    async with launch() as running:
        after = await shown(running)
        assert (after.revision, after.state) == (first, rulebook_pb.RULEBOOK_STATE_ACTIVE)
    text = (rules / "priority.yaml").read_text("utf-8").replace("{priority: top}", "{priority: low}")
    (rules / "priority.yaml").write_text(text, "utf-8")
    async with launch() as running:
        assert (await shown(running)).revision not in {first, second}


async def test_another_folder_in_the_configuration_wins_at_the_start(launch, settings, rules, tmp_path):
    async with launch() as running:
        first = (await shown(running)).revision
    other = tmp_path / "other"
    shutil.copytree(rules, other)
    write_priority(other, "top")
    settings["rules"]["folder"] = str(other)
    async with launch() as running:
        second = (await shown(running)).revision
    settings["rules"]["folder"] = str(rules)
    async with launch() as running:
        assert (await shown(running)).revision == first != second


async def test_a_lost_store_gets_its_rulebook_back(running, redis_url):
    before = await shown(running)
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()

    async def back() -> bool:
        return any(e.action == rulebook_pb.RULEBOOK_ACTION_RESTORE for e in await history(running))

    await eventually(back)
    after = await shown(running)
    assert (after.revision, after.generation) == (before.revision, before.generation + 1)
    files = await running.rulebooks.GetRevision(
        rulebook_pb.GetRevisionRequest(revision=before.revision, include_files=True)
    )
    assert {file.path for file in files.revision.files} >= {"priority.yaml", "vocabulary.yaml"}


async def test_without_store_and_folder_the_copy_on_this_machine_is_taken(launch, rules, redis_url, tmp_path):
    async with launch() as running:
        before = (await shown(running)).revision

        async def copied() -> bool:
            return (tmp_path / "data" / "rulebooks" / "last-good").exists()

        await eventually(copied)
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    (rules / "priority.yaml").write_text(BROKEN, "utf-8")
    async with launch() as running:
        after = await shown(running)
        assert (after.revision, after.state) == (before, rulebook_pb.RULEBOOK_STATE_DEGRADED)


async def test_workers_take_the_rules_from_the_store_not_from_their_folder(launch, settings, rules, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(rules, other)
    async with launch() as one:
        (other / "priority.yaml").write_text(BROKEN, "utf-8")
        write_priority(rules, "top")
        settings["rules"] = {**settings["rules"], "folder": str(other)}
        async with launch() as two:
            revision = (await reload(one)).revision
            for running in (one, two):
                seen = await shown(running)
                assert seen.revision == revision
            workers = (await shown(one)).workers
            assert [worker.revision for worker in workers] == [revision, revision]
            await rollback(two)
            assert {worker.revision for worker in (await shown(two)).workers} == {(await shown(one)).revision}
            assert (await shown(one)).revision == (await shown(two)).revision != revision


async def test_a_worker_that_cannot_run_a_revision_stops_it(running, rules, store):
    """The other worker is played by the test: it beats, and refuses what is staged."""
    before = await shown(running)

    async def refuse():
        token = ""
        while True:
            problem = "not enough memory" if token else ""
            scene = await store.workers.beat("m-7", Heartbeat(before.revision, before.generation, "", problem, token))
            token = scene.staged.token if scene.staged is not None else token
            await asyncio.sleep(0.01)

    other = asyncio.create_task(refuse())
    write_priority(rules, "top")
    with pytest.raises(grpc.aio.AioRpcError, match="m-7: not enough memory") as caught:
        await reload(running)
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert (await shown(running)).revision == before.revision
    other.cancel()


async def test_a_worker_that_is_late_is_left_behind_and_seen(settings, launch, rules, store):
    settings["rules"]["prepare_seconds"] = 0.2
    async with launch() as running:
        before = await shown(running)

        async def beats_but_never_follows():
            while True:
                await store.workers.beat("m-7", Heartbeat(before.revision, before.generation))
                await asyncio.sleep(0.05)

        other = asyncio.create_task(beats_but_never_follows())
        write_priority(rules, "top")
        assert (await reload(running)).changed

        async def skewed() -> bool:
            return (await shown(running)).skew == 1

        await eventually(skewed)
        assert '"workers":["m-7"]' in running.log.getvalue()
        other.cancel()


@pytest.fixture
def watching(settings):
    settings["rules"]["watch"] = True
    settings["rules"]["settle_seconds"] = 0.2


async def test_a_saved_file_goes_live_by_itself(watching, launch, rules, make_event):
    async with launch() as running:
        write_priority(rules, "top")

        async def live() -> bool:
            return (await priority_of(running, make_event, time.monotonic_ns()))[0] == "top"

        await eventually(live)
        assert [e.actor for e in await history(running)] == ["(folder)", "(folder)"]


async def test_files_saved_together_are_one_change(watching, launch, rules):
    async with launch() as running:
        before = (await shown(running)).revision
        for name in sorted(path.name for path in rules.glob("*.yaml")):
            # As editors do: a new file beside it, then renamed over it.
            scratch = rules / f".{name}.swp"
            scratch.write_text((rules / name).read_text("utf-8") + "\n", "utf-8")
            scratch.replace(rules / name)
        write_priority(rules, "top")

        async def live() -> bool:
            return (await shown(running)).revision != before

        await eventually(live)
        assert len(await history(running)) == 2


async def test_a_folder_swapped_by_a_symbolic_link_goes_live(watching, launch, settings, rules, tmp_path):
    """As Kubernetes mounts a ConfigMap: files link into ..data, which links to a folder with a time in its name."""
    mount = tmp_path / "mount"
    mount.mkdir()

    def publish(name):
        shutil.copytree(rules, mount / name)
        (mount / "..tmp").symlink_to(name)
        (mount / "..tmp").replace(mount / "..data")

    publish("..2026_01")
    for path in rules.glob("*.yaml"):
        (mount / path.name).symlink_to(f"..data/{path.name}")
    settings["rules"]["folder"] = str(mount)
    async with launch() as running:
        before = (await shown(running)).revision
        write_priority(rules, "top")
        publish("..2026_02")

        async def live() -> bool:
            return (await shown(running)).revision != before

        await eventually(live)


async def test_a_bad_change_is_soon_seen_everywhere(watching, launch, rules, make_event):
    good = (rules / "priority.yaml").read_text("utf-8")
    async with launch() as one, launch() as two:
        before = (await shown(one)).revision
        detail = health_pb2.HealthCheckRequest(service="answerby.rulebook")
        serving = health_pb2.HealthCheckResponse.SERVING
        took = []
        for _ in range(3):
            (rules / "priority.yaml").write_text(BROKEN, "utf-8")
            begun = time.monotonic()

            async def everywhere() -> bool:
                states = [(await shown(running)).state for running in (one, two)]
                health = [(await running.health.Check(detail)).status for running in (one, two)]
                return set(states) == {rulebook_pb.RULEBOOK_STATE_DEGRADED} and serving not in health

            await eventually(everywhere)
            took.append(time.monotonic() - begun)
            for running in (one, two):
                seen = await shown(running)
                assert [(d.file, d.line) for d in seen.diagnostics if d.severity == "error"] == [("priority.yaml", 3)]
                assert seen.revision == before
                assert running.registry.get_sample_value("answerby_rulebook_state", {"state": "degraded"}) == 1
            assert '"rule file rejected"' in one.log.getvalue() + two.log.getvalue()
            assert (await priority_of(two, make_event, time.monotonic_ns()))[1] == before
            (rules / "priority.yaml").write_text(good, "utf-8")

            async def good_again() -> bool:
                return {(await shown(r)).state for r in (one, two)} == {rulebook_pb.RULEBOOK_STATE_ACTIVE}

            await eventually(good_again)
            if min(took) < SOON:
                break
        assert min(took) < SOON
        assert {(await shown(running)).revision for running in (one, two)} == {before}


async def test_a_refused_upload_is_shown_until_a_change_is_good(watching, launch, rules):
    """A worker that starts meanwhile, with a folder in order, does not hide it."""
    async with launch() as running:
        files = [rulebook_pb.RulebookFile(path="priority.yaml", content=BROKEN.encode())]
        upload = running.rulebooks.UploadRevision(rulebook_pb.UploadRevisionRequest(files=files))
        assert (await refused(upload))[1] == "RULEBOOK_REJECTED"
        async with launch() as other:
            for worker in (running, other):
                assert (await shown(worker)).state == rulebook_pb.RULEBOOK_STATE_DEGRADED
        await reload(running)
        assert (await shown(running)).state == rulebook_pb.RULEBOOK_STATE_ACTIVE


async def test_a_folder_mended_while_no_server_ran_is_good_again(launch, rules):
    good = (rules / "priority.yaml").read_text("utf-8")
    async with launch():
        pass
    (rules / "priority.yaml").write_text(BROKEN, "utf-8")
    async with launch() as running:
        assert (await shown(running)).state == rulebook_pb.RULEBOOK_STATE_DEGRADED
    (rules / "priority.yaml").write_text(good, "utf-8")
    async with launch() as running:
        assert (await shown(running)).state == rulebook_pb.RULEBOOK_STATE_ACTIVE


async def test_undoing_a_bad_change_does_not_bring_back_what_was_rolled_back(watching, launch, rules):
    async with launch() as running:
        first = (await shown(running)).revision
        write_priority(rules, "top")

        async def live() -> bool:
            return (await shown(running)).revision != first

        await eventually(live)
        good = (rules / "priority.yaml").read_text("utf-8")
        await rollback(running)
        (rules / "priority.yaml").write_text(BROKEN, "utf-8")

        async def state(wanted) -> bool:
            return (await shown(running)).state == wanted

        await eventually(lambda: state(rulebook_pb.RULEBOOK_STATE_DEGRADED))
        (rules / "priority.yaml").write_text(good, "utf-8")
        await eventually(lambda: state(rulebook_pb.RULEBOOK_STATE_ACTIVE))
        assert (await shown(running)).revision == first


async def test_mending_the_folder_is_enough_whoever_had_it_read(watching, launch, rules):
    good = (rules / "priority.yaml").read_text("utf-8")
    async with launch() as running:
        (rules / "priority.yaml").write_text(BROKEN, "utf-8")
        assert (await refused(reload(running)))[1] == "RULEBOOK_REJECTED"
        assert (await shown(running)).state == rulebook_pb.RULEBOOK_STATE_DEGRADED
        (rules / "priority.yaml").write_text(good, "utf-8")

        async def active() -> bool:
            return (await shown(running)).state == rulebook_pb.RULEBOOK_STATE_ACTIVE

        await eventually(active)


async def test_uploaded_files_go_live_without_the_folder(running, rules):
    before = await shown(running)
    files = [rulebook_pb.RulebookFile(path=p.name, content=p.read_bytes()) for p in rules.glob("*.yaml")]
    for file in files:
        if file.path == "priority.yaml":
            file.content = file.content.replace(b"{priority: high}", b"{priority: top}")
    call = running.rulebooks.UploadRevision
    checked = await call(rulebook_pb.UploadRevisionRequest(files=files, validate_only=True))
    assert checked.revision != before.revision == (await shown(running)).revision
    kept = await call(rulebook_pb.UploadRevisionRequest(files=files, keep_only=True, reason="for later"))
    assert (kept.changed, kept.waiting, (await shown(running)).revision) == (False, False, before.revision)
    live = await call(rulebook_pb.UploadRevisionRequest(files=files))
    assert (live.changed, live.rulebook.revision) == (True, checked.revision)
    reply = await running.rulebooks.GetRevision(
        rulebook_pb.GetRevisionRequest(revision=live.revision, include_files=True)
    )
    assert {f.path: f.content for f in reply.revision.files} == {f.path: f.content for f in files}
    assert reply.revision.reason == "for later"


@pytest.mark.parametrize(
    "path", ["../x.yaml", "/etc/x.yaml", "a//b.yaml", "a\\b.yaml", "x.txt", "", "./x.yaml", "a/../b.yaml", "a\0.yaml"]
)
async def test_a_name_that_leaves_the_folder_is_refused(running, path):
    request = rulebook_pb.UploadRevisionRequest(files=[rulebook_pb.RulebookFile(path=path, content=b"stage: sla")])
    assert await refused(running.rulebooks.UploadRevision(request)) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID_FIELDS",
    )


async def test_lists_come_in_pages(running, rules):
    write_priority(rules, "top")
    await reload(running)
    await rollback(running)
    listed, token = [], ""
    while True:
        page = await running.rulebooks.ListActivations(
            rulebook_pb.ListActivationsRequest(page_size=2, page_token=token)
        )
        listed += page.activations
        token = page.next_page_token
        if not token:
            break
    assert listed == await history(running)
    wrong = rulebook_pb.ListRevisionsRequest(page_token="nonsense")
    assert (await refused(running.rulebooks.ListRevisions(wrong)))[1] == "INVALID_PAGE_TOKEN"
    negative = rulebook_pb.ListRevisionsRequest(page_size=-1)
    assert (await refused(running.rulebooks.ListRevisions(negative)))[1] == "INVALID_FIELDS"
    long = rulebook_pb.RollbackRulebookRequest(reason="x" * 1001)
    assert (await refused(running.rulebooks.RollbackRulebook(long)))[1] == "INVALID_FIELDS"


async def test_reloads_under_load_mix_no_decision(running, rules, make_event):
    """Every stage of both rulebooks names its revision, so a decision of two could be seen."""
    revisions = {}
    for mark in ("aa", "bb"):
        for path in rules.glob("*.yaml"):
            text = path.read_text("utf-8")
            for word in ("angry", "complaint-high", "third-complaint", "soon", "later", "to-desk"):
                for old in ("", "-aa"):
                    text = text.replace(f"id: {word}{old},", f"id: {word}-{mark},")
                    text = text.replace(f"id: {word}{old}\n", f"id: {word}-{mark}\n")
            path.write_text(text, "utf-8")
        revisions[(await reload(running)).revision] = mark
    assert len(revisions) == 2
    stop = asyncio.Event()
    checked = 0

    async def load(lane):
        nonlocal checked
        number = 0
        while not stop.is_set():
            number += 1
            event = make_event(lane * 1_000_000 + number, facts={"text.body": "I complain"})
            decision = (await running.requests.SubmitEvent(pb.SubmitEventRequest(event=event))).decision
            mark = revisions[decision.revision]
            rules_named = [reference.id for stage in decision.explanation for reference in stage.won]
            assert len(rules_named) >= 4
            assert {name[-2:] for name in rules_named} == {mark}
            checked += 1

    lanes = [asyncio.create_task(load(lane)) for lane in range(1, 5)]
    names = list(revisions)
    turns = scaled(200)
    for turn in range(turns):
        request = rulebook_pb.ActivateRevisionRequest(revision=names[turn % 2])
        assert (await running.rulebooks.ActivateRevision(request)).changed
    stop.set()
    await asyncio.gather(*lanes)
    assert checked > turns
    assert (await shown(running)).generation == turns + 3


async def test_a_server_of_an_earlier_version_on_the_same_store_is_reported(running, store):
    """Version 0.1.0 does not know the schema version and cannot refuse by itself."""
    await store.workers.beat("old-0", Heartbeat("r-1", 1))

    async def told() -> bool:
        return "a server of an earlier version uses this store" in running.log.getvalue()

    await eventually(told)
    assert "old-0" in running.log.getvalue()
