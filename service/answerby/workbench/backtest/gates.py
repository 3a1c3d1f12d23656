"""Gates: `--fail-if 'priority.raised > 5%'`. A gate that trips is what fails a build.

gate     = subject OPERATOR limit
subject  = FIELD.changed | FIELD.raised | FIELD.lowered | breach.new | breach.gone
         | clock.NAME.breach.new | clock.NAME.breach.gone | effects.changed | errors.new | refused
OPERATOR = > | >=
limit    = a number of requests, or a percentage of the requests compared, such as 0.5%

Requests are compared where both sides know what was decided. `refused` counts requests of which a row could not be
used, or an event not be decided by the new rules; its percentage is one of all requests.
"""

# Stays interpreted: it runs once per backtest or group, not once per decision.
from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from answerby.domain.errors import FieldViolation, InvalidInput
from answerby.workbench.backtest.fields import ComparedField
from answerby.workbench.backtest.tally import Key, Tally

_FORM = re.compile(r"(?P<subject>[^\s<>=]+)\s*(?P<operator>>=|>)\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<percent>%?)")
_EXAMPLE = "write it such as 'priority.raised > 5%' or 'breach.new >= 10'"
FAIL_IF = "--fail-if"
REFUSED: Key = ("requests.refused",)
COMPARED: Key = ("compared",)
ASKED_FOR: Key = ("requests.asked",)
"""All requests of the source, those refused included."""


@dataclass(frozen=True, slots=True)
class Gate:
    """`text` is the gate as written. `key` is the figure's key in the tally."""

    text: str
    key: Key
    inclusive: bool
    limit: float
    percent: bool

    @property
    def needs_no_comparison(self) -> bool:
        return self.key == REFUSED


@dataclass(frozen=True, slots=True)
class GateResult:
    """`share` is in percent of the requests that the gate is about."""

    gate: Gate
    count: int
    share: float
    tripped: bool


def parse_gate(text: str, fields: Iterable[ComparedField], clocks: Iterable[str]) -> Gate:
    """Raises InvalidInput for text that is no gate, or for a subject that neither rulebook has."""
    form = _FORM.fullmatch(text.strip())
    if form is None:
        raise InvalidInput([FieldViolation(FAIL_IF, f'"{text}" is no gate; {_EXAMPLE}')])
    known = subjects(fields, clocks)
    subject, limit, percent = form["subject"], float(form["number"]), bool(form["percent"])
    if subject not in known:
        raise InvalidInput([FieldViolation(FAIL_IF, f'"{text}": there is no "{subject}"; {_hint(subject, known)}')])
    if percent and limit > 100:
        raise InvalidInput([FieldViolation(FAIL_IF, f'"{text}": more than 100 % never is')])
    if not percent and not limit.is_integer():
        raise InvalidInput([FieldViolation(FAIL_IF, f'"{text}": write a whole number of requests, or a percentage')])
    return Gate(" ".join(text.split()), known[subject], form["operator"] == ">=", limit, percent)


def subjects(fields: Iterable[ComparedField], clocks: Iterable[str]) -> dict[str, Key]:
    """Every subject of a gate, and the key of its figure in the tally."""
    known: dict[str, Key] = {name: (name,) for name in ("breach.new", "breach.gone", "effects.changed", "errors.new")}
    known["refused"] = REFUSED
    for field in fields:
        for word in ("changed", "raised", "lowered") if field.ordered else ("changed",):
            known[f"{field.name}.{word}"] = (word, field.name)
    for clock in clocks:
        for word in ("new", "gone"):
            known[f"clock.{clock}.breach.{word}"] = ("breach", clock, word)
    return known


def ask(gate: Gate, tally: Tally) -> GateResult:
    """Whether the gate trips."""
    requests, count = tally.count(*(ASKED_FOR if gate.needs_no_comparison else COMPARED)), tally.count(*gate.key)
    share = 100 * count / requests if requests else 0.0
    # The comparison uses whole numbers if it can: 5 % of 20 requests is 1 request exactly.
    value, limit = (100.0 * count, gate.limit * requests) if gate.percent else (float(count), gate.limit)
    tripped = value >= limit if gate.inclusive else value > limit
    return GateResult(gate, count, share, tripped)


def _hint(subject: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = get_close_matches(subject, names, n=1)
    return f'did you mean "{close[0]}"?' if close else f"known are {', '.join(names)}"
