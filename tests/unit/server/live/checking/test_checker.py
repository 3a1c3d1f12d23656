"""Checking rules in a process of its own: same answer as here, and a process that dies is a finding, not a crash."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import UTC, datetime

import pytest

from answerby.domain.event import Event
from answerby.engine.case import Context
from answerby.engine.compiler import compile_rulebook
from answerby.engine.decide import decide
from answerby.rules.loader import load_rulebook
from answerby.server.live.checking.checker import Checker
from answerby.server.live.checking.rule_check import Task, check
from answerby.server.live.rule_files import read_rule_files
from answerby.store.codec import encode_decision
from tests.kit.places import ROOT
from tests.kit.rulebooks import OFFICE

SHIPPED = ROOT / "rules"
pytestmark = pytest.mark.process


@pytest.fixture
async def checker():
    made = Checker(patience=30)
    yield made
    await made.close()


def task(folder=SHIPPED, **changes):
    files = read_rule_files(folder)
    values = {"files": files.content, "folder": str(folder), "engine": "reference", "tests": False}
    return Task(**{**values, "trouble": files.trouble, **changes})


def decided(rulebook):
    """Some decisions as the log has them, and the states after them."""
    now = datetime(2026, 3, 2, 10, tzinfo=UTC)
    compiled = compile_rulebook(rulebook, "reference")
    texts = ["昨晚充电器突然起火", "请问营业时间", "I complain", ""]
    events = [
        Event(source="t", id=f"e{n}", type="request.received", time=now, request_id=f"r{n}", data={"text.body": text})
        for n, text in enumerate(texts)
    ]
    decisions = [decide(compiled, None, event, Context(), now) for event in events]
    return [encode_decision(decision) for decision in decisions], [decision.state for decision in decisions]


async def test_a_rulebook_that_passed_between_processes_decides_the_same(checker):
    there = await checker.check(task())
    here = load_rulebook(SHIPPED)
    assert there.rulebook is not None
    assert there.rulebook.revision == here.rulebook.revision
    assert decided(there.rulebook) == decided(here.rulebook)
    assert there.diagnostics == here.diagnostics


async def test_mistakes_are_named_by_the_folder_that_was_read(checker, tmp_path):
    (tmp_path / "a.yaml").write_text("stage: nowhere\nrules: []\n", "utf-8")
    found = (await checker.check(task(tmp_path))).diagnostics
    assert {d.file for d in found} <= {"a.yaml", str(tmp_path)}
    missing = (await checker.check(task(tmp_path / "missing"))).diagnostics
    assert [d.code for d in missing] == ["folder-missing"]


async def test_a_process_that_dies_is_a_finding_and_the_next_check_works(checker):
    checking = asyncio.create_task(checker.check(task()))
    while not checking.done():
        if checker._process is not None:
            checker._process.kill()
        await asyncio.sleep(0.01)
    (found,) = (await checking).diagnostics
    assert found.code == "CHECK_FAILED"
    assert (await checker.check(task())).rulebook is not None


async def test_a_program_that_was_replaced_on_the_disk_checks_by_itself(checker):
    checker._program = "as it was before an upgrade"
    await checker.warm()
    assert (await checker.check(task())).rulebook is not None
    assert checker._process is None


async def test_a_check_without_end_is_ended():
    checker = Checker(patience=0.2)
    await checker.warm()
    os.kill(checker._process.pid, signal.SIGSTOP)
    checked = await checker.check(task())
    assert checked.rulebook is None
    assert "longer than" in checked.diagnostics[0].message
    await checker.close()


async def test_a_caller_that_goes_away_leaves_no_answer_for_the_next(checker):
    await checker.warm()
    os.kill(checker._process.pid, signal.SIGSTOP)
    gone = asyncio.create_task(checker.check(task(engine="nonsense")))
    for _ in range(10):
        await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert (await checker.check(task())).rulebook is not None


def test_a_rule_test_that_fails_is_a_finding_with_its_place(tmp_path):
    files = dict(read_rule_files(SHIPPED).content)
    files["bad_test.yaml"] = (
        'now: "2026-03-02T10:00:00Z"\n'
        "cases:\n"
        "  - {name: no fire, given: {text.body: 昨晚充电器突然起火}, expect: {priority: P2}}\n"
    ).encode()
    base = {"folder": "rules", "engine": "reference"}
    checked = check(Task(files=files, tests=True, **base))
    assert checked.rulebook is None
    places = [(d.file, d.line) for d in checked.diagnostics if d.severity == "error"]
    assert ("bad_test.yaml", 3) in places
    assert check(Task(files=files, tests=False, **base)).rulebook is not None


@pytest.mark.parametrize(
    "case",
    [
        "{name: half read, given: {text.body: hello, chanel: web}, expect: {category: other}}",
        "{name: silent, given: {text.body: hello}}",
        "{name: unknown key, given: {text.body: hello}, expcet: {}, expect: {category: other}}",
    ],
)
def test_a_broken_rule_test_refuses_the_rules(case):
    files = {
        **read_rule_files(SHIPPED).content,
        "bad_test.yaml": f'now: "2026-03-02T10:00:00Z"\ncases: [{case}]'.encode(),
    }
    checked = check(Task(files=files, tests=True, folder="rules", engine="reference"))
    assert checked.rulebook is None
    assert {d.file for d in checked.diagnostics if d.severity == "error"} == {"bad_test.yaml"}


def test_the_reason_of_a_refusal_is_not_hidden_by_many_warnings():
    unknown = "".join(f"  t{number}: {{en: '{{nobody}}'}}\n" for number in range(250))
    files = {
        **{name: text.encode() for name, text in OFFICE.items()},
        "more.yaml": f"templates:\n{unknown}".encode(),
        "z_test.yaml": b'now: "2026-03-02T10:00:00Z"\ncases: [{name: a, given: {channel: web}, expect: {priority: P0}}]',
    }
    checked = check(Task(files=files, tests=True, folder="rules", engine="reference"))
    assert checked.rulebook is None
    assert len(checked.diagnostics) == 200
    (reason,) = [d for d in checked.diagnostics if d.severity == "error"]
    assert reason.code == "RULE_TEST_FAILED"
    assert "`answerby test --accept`" in reason.hint
