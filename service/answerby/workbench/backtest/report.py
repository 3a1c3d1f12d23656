"""The report of a backtest as typed figures, the same for text, JSON and the page."""

# Stays interpreted: it runs once per backtest or group, not once per decision.
from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from answerby.rules.model.rulebook import STAGES, Rulebook
from answerby.workbench.backtest.change_words import change_words
from answerby.workbench.backtest.fields import NOTHING, ComparedField
from answerby.workbench.backtest.gates import REFUSED, GateResult
from answerby.workbench.backtest.tally import EFFECT_KINDS, NEW, OLD, Tally


class Pair(msgspec.Struct, frozen=True):
    """One figure under the old and under the new rules."""

    old: int
    new: int


class Cell(msgspec.Struct, frozen=True):
    """The number of requests with the value `old` before and `new` after."""

    old: str
    new: str
    requests: int


class FieldReport(msgspec.Struct, frozen=True, kw_only=True):
    """One derived fact. `values` are all that occur, in order. `matrix` is empty for sets."""

    name: str
    is_set: bool
    ordered: bool
    values: list[str]
    old: dict[str, int]
    new: dict[str, int]
    matrix: list[Cell]
    changed: int
    raised: int
    lowered: int
    sometime: int
    words: str
    """The changes in words; empty if there are none."""
    gained: dict[str, int]
    lost: dict[str, int]


class RuleReport(msgspec.Struct, frozen=True):
    """The number of requests that a rule decided."""

    id: str
    old: int
    new: int


class StageReport(msgspec.Struct, frozen=True):
    """One stage. `outcomes` counts its outcomes. `rules` holds the rules that decide another number of requests."""

    stage: str
    outcomes: list[Cell]
    fields: list[FieldReport]
    rules: list[RuleReport]


class ClockReport(msgspec.Struct, frozen=True):
    """One clock: requests on which it ran or was breached, and those breached under one of the rulebooks only."""

    name: str
    labels: dict[str, str]
    ran: Pair
    breached: Pair
    new: int
    gone: int


class EffectReport(msgspec.Struct, frozen=True):
    """Messages to a role, tasks for it, or cases of a kind, with the requests that have more or fewer."""

    kind: str
    name: str
    title: str
    total: Pair
    more: int
    fewer: int


class GateReport(msgspec.Struct, frozen=True):
    gate: str
    requests: int
    percent: float
    tripped: bool


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The whole report. It does not depend on the time, the place or the speed of the run."""

    summary: str
    """The result in one sentence, for somebody who has never seen a rule."""
    new: str
    new_revision: str
    old: str
    """The name of the old rules. Empty if there is no comparison."""
    old_revision: str
    """Empty if the old decisions are the recorded ones."""
    source: str
    horizon: datetime | None
    """The horizon of timers. None: timers fired until none was left."""
    time_zone: str
    """The IANA zone in which times are shown to people."""
    point: str
    requests: int
    compared: int
    lead: int
    events: int
    differing: int
    rows: dict[str, int]
    """The numbers of rows of an export by what became of them."""
    requests_refused: int
    """Requests of which a row could not be used, or an event not be decided by the new rules."""
    decisions: Pair
    timers: Pair
    cut: Pair
    """Requests that reached the limit of timers."""
    refused: Pair
    """Requests with an event that could not be decided."""
    errors: Pair
    errors_new: int
    errors_gone: int
    breach_new: int
    breach_gone: int
    effects_changed: int
    stages: list[StageReport]
    clocks: list[ClockReport]
    effects: list[EffectReport] = msgspec.field(name="told")
    gates: list[GateReport]
    examples: list[dict[str, object]]

    @property
    def tripped(self) -> bool:
        return any(gate.tripped for gate in self.gates)


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of a report that are not in the tally."""

    new: Rulebook
    old: Rulebook | None
    new_name: str
    old_name: str
    source: str
    horizon: datetime | None
    point: str
    events: int
    rows: dict[str, int]
    time_zone: str = ""
    """The zone asked for; empty: that of the new rulebook."""


def make_report(frame: Frame, tally: Tally, fields: Sequence[ComparedField], gates: Iterable[GateResult]) -> Report:
    """The figures; `with_summary` adds the sentence."""
    return Report(
        summary="",
        new=frame.new_name,
        new_revision=frame.new.revision,
        old=frame.old_name,
        old_revision=frame.old.revision if frame.old is not None else "",
        source=frame.source,
        horizon=frame.horizon,
        time_zone=frame.time_zone or frame.new.numbering.timezone,
        point=frame.point,
        requests=tally.count("requests"),
        compared=tally.count("compared"),
        lead=tally.count("lead"),
        events=frame.events,
        differing=tally.count("differing"),
        rows=frame.rows,
        requests_refused=tally.count(*REFUSED),
        decisions=pair(tally, "decisions"),
        timers=pair(tally, "timers"),
        cut=pair(tally, "cut"),
        refused=pair(tally, "refused"),
        errors=pair(tally, "errors"),
        errors_new=tally.count("errors.new"),
        errors_gone=tally.count("errors.gone"),
        breach_new=tally.count("breach.new"),
        breach_gone=tally.count("breach.gone"),
        effects_changed=tally.count("effects.changed"),
        stages=[s for stage in STAGES if (s := stage_report(stage, tally, fields)) is not None],
        clocks=clock_reports(frame, tally),
        effects=[effect for kind in EFFECT_KINDS for effect in effect_reports(kind, frame, tally)],
        gates=[GateReport(g.gate.text, g.count, round(g.share, 4), g.tripped) for g in gates],
        examples=tally.examples.in_order(),
    )


def pair(tally: Tally, *key: str) -> Pair:
    return Pair(tally.count(*key, OLD), tally.count(*key, NEW))


def stage_report(stage: str, tally: Tally, fields: Iterable[ComparedField]) -> StageReport | None:
    """None for a stage that has no figures."""
    outcomes = cells(tally, "stage", stage)
    reports = [r for f in fields if f.stage == stage and (r := field_report(f, tally)) is not None]
    won = {(rule, side): n for (side, rule), n in tally.under("won", stage).items()}
    rules = [
        RuleReport(rule, won.get((rule, OLD), 0), won.get((rule, NEW), 0)) for rule in sorted({key[0] for key in won})
    ]
    if not (outcomes or reports or rules):
        return None
    rules.sort(key=lambda rule: (-abs(rule.new - rule.old), rule.id))
    return StageReport(stage, outcomes, reports, rules)


def field_report(known: ComparedField, tally: Tally) -> FieldReport | None:
    """None if the field never has a value."""
    name = known.name
    old, new = ({key[0]: n for key, n in tally.under("value", name, side).items()} for side in (OLD, NEW))
    values = in_order(known, {*old, *new})
    if not set(values) - {NOTHING}:
        return None
    return FieldReport(
        name=name,
        is_set=known.is_set,
        ordered=known.ordered,
        values=values,
        old={value: old[value] for value in values if value in old},
        new={value: new[value] for value in values if value in new},
        matrix=cells(tally, "matrix", name),
        changed=tally.count("changed", name),
        raised=tally.count("raised", name),
        lowered=tally.count("lowered", name),
        sometime=tally.count("sometime", name),
        words=change_words(known, *(tally.count(word, name) for word in ("changed", "raised", "lowered", "sometime"))),
        gained={key[0]: n for key, n in tally.under("gained", name).items()},
        lost={key[0]: n for key, n in tally.under("lost", name).items()},
    )


def in_order(known: ComparedField, values: set[str]) -> list[str]:
    """The most severe values first. Values without a rank follow by name."""
    ranks = {value: known.rank(value) for value in values}
    return sorted(values, key=lambda v: (v == NOTHING, (rank := ranks[v]) is None, -(rank or 0.0), natural(v)))


def natural(text: str) -> list[tuple[bool, int, str]]:
    """A sort key that puts 8h before 16h."""
    parts = re.findall(r"[0-9]+|[^0-9]+", text)
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]


def cells(tally: Tally, *key: str) -> list[Cell]:
    return [Cell(old, new, n) for (old, new), n in tally.under(*key).items()]


def clock_reports(frame: Frame, tally: Tally) -> list[ClockReport]:
    definitions = {**(frame.old.clocks if frame.old is not None else {}), **frame.new.clocks}
    found = []
    for name in sorted(definitions):
        ran = pair(tally, "ran", name)
        if ran.old or ran.new:
            breached = pair(tally, "breached", name)
            new, gone = tally.count("breach", name, "new"), tally.count("breach", name, "gone")
            found.append(ClockReport(name, dict(definitions[name].label), ran, breached, new, gone))
    return found


def effect_reports(kind: str, frame: Frame, tally: Tally) -> list[EffectReport]:
    titles = {**(frame.old.roles if frame.old is not None else {}), **frame.new.roles}
    return [
        EffectReport(
            kind,
            name,
            titles.get(name, "") if kind != "cases" else "",
            pair(tally, kind, name),
            tally.count(kind, name, "more"),
            tally.count(kind, name, "fewer"),
        )
        for name in sorted({key[0] for key in tally.under(kind)})
    ]
