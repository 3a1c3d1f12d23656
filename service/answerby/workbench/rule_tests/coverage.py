"""Coverage: the rules, table rows, ladder steps and clocks that some case used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum

from answerby.domain.ladder import Ladder, Step
from answerby.domain.message_words import local_time
from answerby.rules.model.rulebook import Rule, Rulebook, RuleMode
from answerby.rules.model.score import Score
from answerby.sla.zones import load_zone
from answerby.workbench.rule_tests.trace import Trace


class Reach(StrEnum):
    """The best result of a rule over all cases."""

    DECIDED = "decided"
    MATCHED = "matched"
    """The rule matched, but another rule won each time. A rule in shadow mode reaches no more than this."""
    NEVER = "never matched"


@dataclass(frozen=True, slots=True)
class RuleCoverage:
    """The coverage of one rule, table row or score. A score that was computed counts as decided."""

    id: str
    file: str
    line: int
    reach: Reach
    on_trial: bool
    in_force: str = ""
    """The dates of a rule that is in force for a time; empty otherwise."""

    @property
    def covered(self) -> bool:
        return self.reach is Reach.DECIDED or (self.on_trial and self.reach is Reach.MATCHED)


@dataclass(frozen=True, slots=True)
class Part:
    """A ladder step or a clock, with the states that no case reached. It is covered when there are none."""

    name: str
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Coverage:
    """The coverage of all cases together: rules by file and line, steps and clocks by name."""

    rules: tuple[RuleCoverage, ...]
    steps: tuple[Part, ...]
    clocks: tuple[Part, ...]

    @property
    def covered(self) -> int:
        return sum(rule.covered for rule in self.rules)

    @property
    def percent(self) -> float:
        """Percent of the rules and rows that are covered; 100 only when all are."""
        return percent(self.covered, len(self.rules))

    def files(self) -> Mapping[str, list[RuleCoverage]]:
        """The rules of each file, by line."""
        found: dict[str, list[RuleCoverage]] = {}
        for rule in self.rules:
            found.setdefault(rule.file, []).append(rule)
        return found


def percent(part: int, whole: int) -> float:
    """Percent with one decimal, rounded down, so that 100 means all."""
    return part * 1000 // whole / 10 if whole else 100.0


def coverage_of(rulebook: Rulebook, traces: Iterable[Trace]) -> Coverage:
    """The coverage of a rulebook by these traces."""
    trace = Trace()
    for one in traces:
        trace.add(one)
    zone = load_zone(rulebook.numbering.timezone)
    rules = [_rule(rule, trace, zone) for stage in rulebook.stages for rule in stage.rules]
    rules += [_score(score, trace) for stage in rulebook.stages for score in stage.scores]
    return Coverage(
        rules=tuple(sorted(rules, key=lambda r: (r.file, r.line, r.id))),
        steps=tuple(_steps(rulebook.ladders, trace)),
        clocks=tuple(_clocks(rulebook, trace)),
    )


def _rule(rule: Rule, trace: Trace, zone: tzinfo) -> RuleCoverage:
    matched = Reach.MATCHED if rule.id in trace.matched else Reach.NEVER
    reach = Reach.DECIDED if rule.id in trace.won else matched
    dates = [f"from {local_time(rule.enabled_from, zone)}"] if rule.enabled_from else []
    dates += [f"until {local_time(rule.until, zone)}"] if rule.until else []
    return RuleCoverage(rule.id, rule.file, rule.line, reach, rule.mode is RuleMode.SHADOW, " ".join(dates))


def _score(score: Score, trace: Trace) -> RuleCoverage:
    reach = Reach.DECIDED if score.id in trace.won else Reach.NEVER
    return RuleCoverage(score.id, score.file, score.line, reach, on_trial=False)


def _steps(ladders: Mapping[str, Ladder], trace: Trace) -> Iterator[Part]:
    for name in sorted(ladders):
        for number, step in enumerate(ladders[name].steps):
            lacking = () if (name, number) in trace.steps else ("never fired",)
            yield Part(f"{name} at {_moment(step)}", lacking)


def _moment(step: Step) -> str:
    if step.percent is not None:
        return f"{step.percent}%"
    seconds = step.offset_seconds or 0
    sign = "-" if seconds < 0 else "+" if seconds else ""
    hours, rest = divmod(abs(seconds), 3600)
    minutes, left = divmod(rest, 60)
    shown = "".join(f"{n}{unit}" for n, unit in ((hours, "h"), (minutes, "m"), (left, "s")) if n)
    return sign + (shown or "0m")


def _clocks(rulebook: Rulebook, trace: Trace) -> Iterator[Part]:
    for name in sorted(rulebook.clocks):
        wanted = ["started", "met", "breached"]
        if rulebook.clocks[name].pause_while:
            wanted.append("paused")
        seen = trace.clocks.get(name, set())
        yield Part(name, tuple(f"never {what}" for what in wanted if what not in seen))
