"""A failed case in words: the differences, the decisions of the stages concerned, and the nearest rule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from answerby.engine.explanation.clock_account import clock_account, statuses_of
from answerby.engine.explanation.clock_text import ClockWriter
from answerby.engine.explanation.decision_text import WORDS, clock_line, stage_lines
from answerby.rules.model.rulebook import STAGES
from answerby.workbench.rule_tests.checks.difference import Difference
from answerby.workbench.rule_tests.checks.effect_checks import effect_line
from answerby.workbench.rule_tests.nearest_rule import nearest_rule
from answerby.workbench.rule_tests.phrases import FAILURE
from answerby.workbench.rule_tests.snapshot import RequestSnapshot

MAX_EFFECTS_SHOWN = 40
DUE = "due."


def sentence(difference: Difference, language: str = "en") -> str:
    """One difference, such as `after 16m: priority: expected P0, got P2`."""
    phrases = FAILURE.get(language, FAILURE["en"])
    when = phrases["when"].format(when=difference.when) if difference.when else ""
    return when + phrases["sentence"].format(
        name=difference.name, expected=difference.expected, actual=difference.actual
    )


def failure_text(failures: Sequence[tuple[Difference, RequestSnapshot | None]], language: str = "en") -> str:
    """The explanation of every stage that a difference is about. Repeated lines appear once."""
    lines: dict[str, None] = {}
    for difference, snapshot in failures:
        if snapshot is not None:
            lines.update(dict.fromkeys(_lines(difference, snapshot, language)))
    return "\n".join(lines)


def ledger(difference: Difference, snapshot: RequestSnapshot | None, language: str = "en") -> str:
    """How the due time came about that is not as expected; empty for a difference about something else."""
    request, _, name = difference.name.rpartition(": ")
    if snapshot is None or not name.startswith(DUE):
        return ""
    snapshot = snapshot.others.get(request, snapshot)
    clock = snapshot.clock(name.removeprefix(DUE))
    if clock is None:
        return ""
    rulebook = snapshot.compiled.rulebook
    statuses = statuses_of(snapshot.history, rulebook.replies)
    account = clock_account(rulebook, clock, statuses, snapshot.moment or snapshot.event.time)
    return ClockWriter("zh" if language == "zh" else "en", snapshot.compiled.numbering_zone).describe(account)


def _lines(difference: Difference, snapshot: RequestSnapshot, language: str) -> Iterator[str]:
    request, _, name = difference.name.rpartition(": ")
    snapshot = snapshot.others.get(request, snapshot)
    words = WORDS.get(language, WORDS["en"])
    # A difference of no stage, such as a status, is most often due to classification or priority.
    stages = [difference.stage] if difference.stage in STAGES else list(STAGES[1:3])
    for stage in snapshot.decision.explanation:
        if stage.stage in stages:
            yield from stage_lines(stage, words)
    if difference.stage == "sla":
        clocks = (clock for clock in snapshot.decision.clocks if _concerns(name, clock.name))
        zone = snapshot.compiled.numbering_zone
        yield from (f"  {clock_line(clock, words, zone)}" for clock in clocks)
    if difference.stage in ("escalation", "sla") and not name.startswith(("due.", "clock.")):
        yield from _effects(snapshot, language)
    yield from nearest_rule(snapshot, difference, language)


def _concerns(name: str, clock: str) -> bool:
    return name in (f"due.{clock}", f"clock.{clock}") or "." not in name


def _effects(snapshot: RequestSnapshot, language: str) -> Iterator[str]:
    phrases = FAILURE.get(language, FAILURE["en"])
    lines = [effect_line(effect) for effect in snapshot.effects[:MAX_EFFECTS_SHOWN]]
    yield f"{phrases['effects']}: {'; '.join(lines) or phrases['none']}"
