"""Revisions of the rulebook: kept within bounds, activated by one at a time, judged by others than their authors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from answerby.store.rulebooks.revision_records import (
    Action,
    ActivateOutcome,
    Activation,
    Finding,
    Heartbeat,
    JudgeOutcome,
    Pointer,
    Problem,
    Revision,
    Staged,
    Verdict,
)
from answerby.store.rulebooks.revisions import Keeping

T0 = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
USUAL = Keeping()
FILES = {"a.yaml": "规则: 1\n".encode(), "sub/b.csv": b"\xef\xbb\xbfa,b\n"}


@pytest.fixture
def keep(store):
    """Keeps a revision; one minute passes each time."""
    clock = {"now": T0}

    async def save(name, author="ann", keeping=USUAL, digest=""):
        clock["now"] += timedelta(minutes=1)
        revision = Revision(revision=name, author=author, created=clock["now"], reason="because")
        return await store.revisions.save(revision, FILES, digest or f"digest-{name}", keeping, clock["now"])

    return save


def entry(name, generation=0, before=""):
    return Activation(Action.ACTIVATE, T0, "olga", "why", before, name, generation)


def pointer(name, generation, previous=()):
    return Pointer(name, generation, T0, "olga", previous=list(previous))


async def go_live(store, name, generation, previous=(), **options):
    return await store.revisions.activate(
        pointer(name, generation, previous), entry(name, generation), generation - 1, **options
    )


async def test_a_revision_is_kept_with_its_files_and_whoever_brought_it(store, keep):
    assert await keep("r-1", "ann")
    assert not await keep("r-1", "bob", digest="other-comments")
    assert not await keep("r-1", "ann")
    found = await store.revisions.get("r-1")
    assert (found.author, found.authors, found.reason, found.verdict) == ("ann", ["ann", "bob"], "because", None)
    assert await store.revisions.files("r-1") == FILES
    assert [await store.revisions.seen(d) for d in ("digest-r-1", "other-comments", "never")] == ["r-1", "r-1", ""]
    assert await store.revisions.get("r-2") is None
    assert await store.revisions.files("r-2") is None


async def test_old_revisions_go_but_not_those_still_needed(store, keep):
    few = Keeping(revisions=3)
    for number in range(1, 4):
        await keep(f"r-{number}", keeping=few)
    await go_live(store, "r-1", 1)
    await go_live(store, "r-2", 2, ["r-1"])
    for number in range(4, 7):
        await keep(f"r-{number}", keeping=few)
    assert [revision.revision for revision in await store.revisions.all()] == ["r-6", "r-2", "r-1"]
    assert await store.revisions.files("r-3") is None
    assert await store.revisions.seen("digest-r-3") == "r-3"


async def test_what_waits_for_an_approver_goes_last(store, keep):
    few = Keeping(revisions=3, approval_required=True)
    for number in range(1, 4):
        await keep(f"r-{number}", keeping=few)
    await store.revisions.judge("r-2", Verdict(approved=False, actor="eve", time=T0), entry("r-2"))
    await keep("r-4", keeping=few)
    assert [revision.revision for revision in await store.revisions.all()] == ["r-4", "r-3", "r-1"]
    await keep("r-5", keeping=few)
    assert [revision.revision for revision in await store.revisions.all()] == ["r-5", "r-4", "r-3"]


async def test_of_two_activations_at_once_one_goes_through(store, keep):
    await keep("r-1")
    await keep("r-2")
    assert await store.revisions.active() is None
    assert await go_live(store, "r-1", 1) is ActivateOutcome.OK
    assert await go_live(store, "r-2", 1) is ActivateOutcome.MOVED
    assert await go_live(store, "r-9", 2) is ActivateOutcome.GONE
    assert await go_live(store, "r-2", 2, ["r-1"]) is ActivateOutcome.OK
    assert await store.revisions.active() == pointer("r-2", 2, ["r-1"])
    assert [(item.after, item.generation) for item in await store.revisions.history()] == [("r-2", 2), ("r-1", 1)]


async def test_only_somebody_else_approves(store, keep):
    await keep("r-1", "ann")
    await keep("r-1", "bob")
    yes = Verdict(approved=True, actor="ann", time=T0)
    assert await go_live(store, "r-1", 1, approval_required=True) is ActivateOutcome.WAITING
    for author in ("ann", "bob"):
        own = Verdict(approved=True, actor=author, time=T0)
        assert await store.revisions.judge("r-1", own, entry("r-1")) is JudgeOutcome.OWN
    assert await store.revisions.judge("r-7", yes, entry("r-7")) is JudgeOutcome.GONE
    assert await store.revisions.history() == []
    good = Verdict(approved=True, actor="an", time=T0, reason="read it")
    assert await store.revisions.judge("r-1", good, entry("r-1")) is JudgeOutcome.OK
    assert (await store.revisions.get("r-1")).verdict == good
    assert await go_live(store, "r-1", 1, approval_required=True) is ActivateOutcome.OK


async def test_a_refused_revision_does_not_go_live(store, keep):
    await keep("r-1", "ann")
    no = Verdict(approved=False, actor="ann", time=T0)
    assert await store.revisions.judge("r-1", no, entry("r-1")) is JudgeOutcome.OK
    assert await go_live(store, "r-1", 1) is ActivateOutcome.REJECTED
    await keep("r-2")
    await go_live(store, "r-2", 1)
    assert await store.revisions.judge("r-2", no, entry("r-2")) is JudgeOutcome.ACTIVE


async def test_one_activation_at_a_time_is_staged(store, keep):
    mine, other = Staged("r-1", "one"), Staged("r-2", "two")
    assert await store.workers.stage(mine, timedelta(minutes=1))
    assert not await store.workers.stage(other, timedelta(minutes=1))
    await store.workers.unstage(other)
    assert (await store.workers.look()).staged == mine
    await store.workers.unstage(mine)
    assert (await store.workers.look()).staged is None
    await keep("r-2")
    await store.workers.stage(other, timedelta(minutes=1))
    await go_live(store, "r-2", 1, staged=other)
    assert (await store.workers.look()).staged is None


async def test_workers_hear_of_each_other(store):
    assert (await store.workers.look()).workers == []
    await store.workers.beat("m-0", Heartbeat("r-1", 3))
    scene = await store.workers.beat("m-1", Heartbeat("r-1", 2, prepared="r-2", problem="late"))
    assert [(w.name, w.beat.generation, w.beat.prepared, w.live) for w in scene.workers] == [
        ("m-0", 3, "", True),
        ("m-1", 2, "r-2", True),
    ]
    assert (scene.active, scene.staged, scene.problem) == (None, None, None)
    await store.workers.forget("m-0")
    assert [worker.name for worker in (await store.workers.look()).workers] == ["m-1"]


async def test_a_refused_change_is_shown_until_a_good_one(store):
    problem = Problem("folder", T0, [Finding("wrong-type", "error", "a.yaml", 3, 7, "not a number", "write 3")])
    await store.workers.show_problem(problem)
    assert (await store.workers.look()).problem == problem
    await store.workers.show_problem(None)
    assert (await store.workers.look()).problem is None
