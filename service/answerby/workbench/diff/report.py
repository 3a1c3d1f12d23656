"""A comparison in words and as data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from answerby.domain.decision import RuleReference
from answerby.domain.event import OVERRIDE_PREFIX, Event, Value
from answerby.workbench.diff.condition_text import value_text
from answerby.workbench.diff.model import (
    FLAGS,
    Aspect,
    Change,
    Comparison,
    Difference,
    Effect,
    Kind,
    OutputResult,
    Witness,
)

SIGNS = {Kind.ADDED: "+", Kind.REMOVED: "-", Kind.CHANGED: "~"}
EFFECTS = {
    Effect.SHOWN: "decides requests otherwise",
    Effect.NONE: "proved: no request is decided otherwise because of it",
    Effect.OPEN: "may decide requests otherwise; none was found",
    Effect.MEANING: "changes what happens to requests",
}
SCOPE = "for all facts that the vocabulary takes"
"""What a proof is about. A fact that the vocabulary refuses is flagged, and leads to the safe side."""
MOST_DIFFERENCES = 30
"""The most differences in words."""
LONGEST_LIST = 3
"""The most members of a set in words. For larger sets only removed and added members are named."""
ALSO = 6
"""The most facts named that follow from a difference."""


def report_text(found: Comparison) -> str:
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Comparison) -> Iterator[str]:
    yield f"{found.old_revision} -> {found.new_revision}"
    visible_changes = [change for change in found.changes if change.effect is not Effect.WORDS]
    words = [change for change in found.changes if change.effect is Effect.WORDS]
    if visible_changes:
        yield ""
        yield "Changed:"
        for change in visible_changes:
            yield from _change(change)
    if found.differences:
        yield ""
        yield "Decided otherwise:"
        for number, difference in enumerate(found.differences[:MOST_DIFFERENCES], start=1):
            yield from _difference(number, difference)
        if len(found.differences) > MOST_DIFFERENCES:
            yield f"  and {len(found.differences) - MOST_DIFFERENCES} more; --format json has them all"
    if words:
        yield ""
        yield f"Changed in words only: {', '.join(_named(change) for change in words)}"
    yield ""
    yield from _conclusion(found)


def _conclusion(found: Comparison) -> Iterator[str]:
    if found.empty:
        yield "No difference." if not found.open else "No difference found."
    elif not found.changed_meaning and not found.open:
        proved = f"proved {SCOPE}" if any(change.effect is Effect.NONE for change in found.changes) else "proved"
        yield f"No change in meaning: {proved}."
    elif found.open:
        what = "No difference in meaning was found" if not found.differences else "Nothing else was found"
        yield f"{what} in {found.attempts} requests."
        yield from (f"  not proved: {reason}" for reason in found.open)
    else:
        yield f"Nothing else is decided otherwise: proved {SCOPE}."


def _named(change: Change) -> str:
    return f"{change.section} {change.id} ({', '.join(aspect.name for aspect in change.aspects)})"


def _change(change: Change) -> Iterator[str]:
    place = change.new_place or change.old_place
    where = f" [{place}]" if place else ""
    yield f"  {SIGNS[change.kind]} {change.section} {change.id}{where}: {EFFECTS[change.effect]}"
    yield from (f"      {_aspect(aspect, change.kind)}" for aspect in change.aspects)


def _aspect(aspect: Aspect, kind: Kind) -> str:
    if kind is not Kind.CHANGED:
        return f"{aspect.name}: {aspect.new or aspect.old}"
    if aspect.name in {"terms", "exceptions"}:
        parts = [f"without {aspect.old}"] if aspect.old else []
        return f"{aspect.name}: {'; '.join([*parts, *([f'with {aspect.new}'] if aspect.new else [])])}"
    return f"{aspect.name}: {aspect.old or 'none'} -> {aspect.new or 'none'}"


def _difference(number: int, found: Difference) -> Iterator[str]:
    yield f"  {number}. {found.output}: {_result_text(found)}{f' ({found.stage})' if found.stage else ''}"
    if found.output != FLAGS:
        yield f"      by {_deciders(found.old)} -> by {_deciders(found.new)}"
    if found.cause:
        yield f"      because of {found.cause}"
    if found.region:
        more = f" (and {found.regions - 1} more such regions)" if found.regions > 1 else ""
        yield f"      where {'; '.join(found.region)}{more}"
    yield f"      for example {_request(found.witness)}"
    also = consequences(found)
    if also:
        changes = [f"{name}: {_change_text(a, b)}" for name, (a, b) in list(also.items())[:ALSO]]
        yield f"      then also {', '.join(changes)}"


def consequences(found: Difference) -> dict[str, tuple[Value, Value]]:
    """The other derived facts that differ for the witness."""
    old, new = found.old.facts, found.new.facts
    names = sorted({*old, *new} - {found.output, "missing", "missing_count"})
    return {name: (old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)}


def _result_text(found: Difference) -> str:
    old, new = found.old, found.new
    if old.conflict is new.conflict:
        return _change_text(old.value, new.value)
    return " -> ".join(f"{_value(side.value)}{' with flag RULE_CONFLICT' * side.conflict}" for side in (old, new))


def _change_text(old: Value, new: Value) -> str:
    if isinstance(old, list) and isinstance(new, list) and max(len(old), len(new)) > LONGEST_LIST:
        removed, added = sorted(set(old) - set(new)), sorted(set(new) - set(old))
        parts = [f"{word} {', '.join(found)}" for word, found in (("without", removed), ("with", added)) if found]
        return "; ".join(parts)
    return f"{_value(old)} -> {_value(new)}" if old != new else f"{_value(old)}, otherwise told"


def _value(value: Value) -> str:
    return "none" if value is None else value_text(value)


def _deciders(result: OutputResult) -> str:
    nobody = "no rule (the safe side)" if result.conflict else "no rule (the default)"
    return ", ".join(_reference(rule) for rule in result.decided_by) or nobody


def _reference(rule: RuleReference) -> str:
    return f"{rule.id} [{rule.file}:{rule.line}]" if rule.file else rule.id


def _request(witness: Witness) -> str:
    event = witness.event
    data = json.dumps(event.data, ensure_ascii=False, sort_keys=True)
    by_hand = any(name.startswith(OVERRIDE_PREFIX) for name in event.data)
    parts = [f"{event.type} {data}"]
    if witness.windows:
        parts.append(f"counted before it: {json.dumps(dict(witness.windows), sort_keys=True)}")
    if witness.state is not None:
        parts.append(f"of a request that is {witness.state.status.value}")
    if by_hand:
        parts.append("with facts set by hand")
    return ", ".join(parts)


def report_data(found: Comparison) -> dict[str, Any]:
    """The comparison as plain data for JSON."""
    return {
        "old_revision": found.old_revision,
        "new_revision": found.new_revision,
        "changed_meaning": found.changed_meaning,
        "proved": not found.open,
        "proved_for": SCOPE,
        "open": list(found.open),
        "requests_tried": found.attempts,
        "changes": [_change_data(change) for change in found.changes],
        "differences": [_difference_data(difference) for difference in found.differences],
    }


def _change_data(change: Change) -> dict[str, Any]:
    return {
        "section": change.section,
        "kind": change.kind.value,
        "id": change.id,
        "stage": change.stage,
        "effect": change.effect.value,
        "old_place": change.old_place,
        "new_place": change.new_place,
        "aspects": [{"name": a.name, "old": a.old, "new": a.new} for a in change.aspects],
    }


def _difference_data(found: Difference) -> dict[str, Any]:
    return {
        "stage": found.stage,
        "output": found.output,
        "old": _result_data(found.old),
        "new": _result_data(found.new),
        "where": list(found.region),
        "regions": found.regions,
        "rules": sorted(found.rules),
        "cause": found.cause,
        "event": event_data(found.witness.event),
        "counts": dict(found.witness.windows),
        "status_before": found.witness.state.status.value if found.witness.state is not None else "",
    }


def _result_data(result: OutputResult) -> dict[str, Any]:
    return {
        "value": result.value,
        "conflict": result.conflict,
        "decided_by": [{"id": r.id, "file": r.file, "line": r.line, "because": r.because} for r in result.decided_by],
        "facts": dict(result.facts),
    }


def event_data(event: Event) -> Mapping[str, Any]:
    """The event in the form of `answerby explain --event`."""
    return {
        "type": event.type,
        "time": event.time.isoformat(),
        "request_id": event.request_id,
        "actor": event.actor.value,
        "facts": event.data,
    }
