"""The revision: a hash of everything in a rulebook that a decision can show.

The hash covers the compiled content, sorted by id: the meaning of the rules, their words (`because`, titles, labels,
templates), and the file and line of each rule, as explanations name them. Some changes keep the revision: the order of
loading, formatting within a line, the order of keys, and comments that move no rule. The place of a lexicon, a calendar
or a template is left out, as no decision shows it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from answerby.domain.clock_definition import ClockDefinition, Trigger
from answerby.domain.condition import All, AnyOf, Atom, Condition, Not
from answerby.domain.schedule import Schedule
from answerby.rules.model.rulebook import Rule, Rulebook, Stage
from answerby.rules.model.vocabulary import Field
from answerby.sla.calendar import Calendar
from answerby.sla.zones import ZONE_DATA

LANGUAGE = 2
"""Version of the rule language. A change in the meaning of the same files raises this number."""

LATER_KEYS = frozenset({"always", "least", "most"})
"""Attributes of fields that came later. Rulebooks without them keep their revision."""


def revision_of(rulebook: Rulebook) -> str:
    """The revision: `r-` and the first 16 hex digits of a SHA-256. Raises TypeError for a value of an unknown type."""
    content = {
        "language": LANGUAGE,
        "vocabulary": [_field(field) for field in rulebook.vocabulary.fields.values()],
        "stages": [_stage(stage) for stage in rulebook.stages],
        "lexicons": {name: [lexicon.terms, lexicon.exceptions] for name, lexicon in rulebook.lexicons.items()},
        "calendars": {name: _calendar(calendar) for name, calendar in rulebook.calendars.items()},
        "zones": ZONE_DATA,
        "clocks": {name: _clock(clock) for name, clock in rulebook.clocks.items()},
        "ladders": rulebook.ladders,
        "schedules": {name: _schedule(schedule) for name, schedule in rulebook.schedules.items()},
        "templates": rulebook.templates,
        "roles": rulebook.roles,
        "numbering": rulebook.numbering,
        "replies": rulebook.replies,
    }
    text = json.dumps(msgspec.to_builtins(content, enc_hook=_plain), sort_keys=True, ensure_ascii=False)
    return f"r-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _field(field: Field) -> object:
    parts = {**_parts(field), "least": _number(field.least), "most": _number(field.most)}
    parts = {name: value for name, value in parts.items() if name not in LATER_KEYS or value}
    # The stages stood in one text once; revisions from then stay valid.
    return {**parts, "derived_by": ",".join(field.derived_by)}


def _number(number: Decimal | None) -> str:
    return "" if number is None else str(number.normalize())


def _stage(stage: Stage) -> object:
    rules = sorted((_rule(rule) for rule in stage.rules), key=lambda r: str(r["id"]))
    policies = sorted([block.id, block.hit] for block in stage.blocks)
    scores = [{**_parts(score), "when": _condition(score.when)} for score in stage.scores]
    return [stage.name, stage.hit, stage.default, stage.on_error, rules, policies, *scores]


def _rule(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "when": _condition(rule.when),
        "then": rule.then,
        "because": rule.because,
        "order": rule.order,
        "owner": rule.owner,
        "enabled_from": rule.enabled_from,
        "until": rule.until,
        "mode": rule.mode,
        "protected": rule.protected,
        "file": rule.file,
        "line": rule.line,
    }


def _calendar(calendar: Calendar) -> dict[str, object]:
    dated = {
        part: {str(day): value for day, value in getattr(calendar, part).items()}
        for part in ("breaks", "overrides", "holidays", "annual_holidays", "extra_workdays")
    }
    years = sorted(calendar.years) if calendar.years is not None else None
    return {
        **dated,
        "timezone": calendar.timezone,
        "weekly": calendar.weekly,
        "years": years,
        "provisional": sorted(calendar.provisional_years),
        "within": [other.id for other in calendar.within],
        "data": calendar.data,
    }


def _clock(clock: ClockDefinition) -> dict[str, object]:
    return {item.name: _clock_part(getattr(clock, item.name)) for item in fields(clock)}


def _clock_part(part: object) -> object:
    if isinstance(part, tuple):
        return [_clock_part(item) for item in part]
    return [part.events, part.actors, _condition(part.when)] if isinstance(part, Trigger) else part


def _schedule(schedule: Schedule) -> dict[str, object]:
    return {**_parts(schedule), "when": _condition(schedule.when)}


def _parts(value: object) -> dict[str, object]:
    return {part.name: getattr(value, part.name) for part in fields(value)}  # type: ignore[arg-type]


def _condition(condition: Condition) -> object:
    match condition:
        case Atom(field, op, operands):
            return [field, op, *operands]
        case Not(child):
            return {"not": _condition(child)}
        case All(children):
            return {"all": [_condition(child) for child in children]}
        case AnyOf(children):
            return {"any": [_condition(child) for child in children]}


def _plain(value: object) -> object:
    match value:
        case Mapping():
            return dict(value)
        case timedelta():
            return value.total_seconds()
        case datetime():
            return value.isoformat()
        case _ if is_dataclass(value):
            return _parts(value)
    raise TypeError(f"{type(value).__name__} has no place in a revision")
