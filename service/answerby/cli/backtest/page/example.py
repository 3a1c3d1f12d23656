"""One example on the page: what changes, and both explanations side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import tzinfo

from answerby.cli.backtest.page.markup import Markup, element
from answerby.cli.backtest.report_text import shown
from answerby.domain.message_words import local_time

Data = Mapping[str, object]

KINDS = {
    "errors.new": "Errors under the new rules",
    "priority.raised_to_top": "Raised to the highest priority",
    "breach.new": "Breached only under the new rules",
    "priority.raised": "Priority raised",
    "priority.lowered": "Priority lowered",
    "breach.gone": "No longer breached",
    "category.changed": "Category changed",
    "other.changed": "Decided differently",
    "effects.changed": "Other people are told",
}


def render_example(example: Data, zone: tzinfo) -> Markup:
    changes = "; ".join(f"{c['field']}: {shown(c['old'])} → {shown(c['new'])}" for c in items(example, "changes"))
    number = f" {example['number']}" if "number" in example else ""
    kind = KINDS.get(str(example["kind"]), str(example["kind"]))
    head = element("summary", f"{kind}: request {example['request_id']}{number}" + (f" ({changes})" if changes else ""))
    parts: list[Markup] = [head]
    if isinstance(event := example.get("event"), Mapping):
        when = local_time(event["time"], zone)
        text = f"As decided upon {event['type']} of {when}, decision {event['sequence']} of the request."
        parts.append(element("p", text, class_="note"))
    if errors := example.get("errors"):
        parts.append(element("p", f"Errors: {shown(errors)}", class_="trips"))
    parts += [_clock(clock, zone) for clock in items(example, "clocks")]
    parts += _effects(example)
    parts += [_stage(stage) for stage in items(example, "stages")]
    if isinstance(texts := example.get("text"), Mapping):
        for name, text in texts.items():
            parts += [element("h3", str(name)), element("pre", str(text))]
    return element("details", *parts, open="")


def _clock(clock: Data, zone: tzinfo) -> Markup:
    head = element("h3", f"Clock {clock['name']}")
    return element("div", head, _sides(_clock_side(clock["old"], zone), _clock_side(clock["new"], zone)))


def _clock_side(clock: object, zone: tzinfo) -> Markup:
    if not isinstance(clock, Mapping):
        return element("p", "does not run", class_="soft")
    words = [f"{clock['target']}, {clock['phase']}{', breached' if clock['breached'] else ''}"]
    words += [f"{name} {local_time(clock[name], zone)}" for name in ("started", "due", "stopped") if name in clock]
    return _list(words)


def _effects(example: Data) -> Iterable[Markup]:
    effect = example.get("told")
    for kind, names in effect.items() if isinstance(effect, Mapping) else ():
        lines = [f"{name}: {old} before, {new} now" for name, (old, new) in names.items()]
        yield element("div", element("h3", str(kind).capitalize()), _list(lines))


def _stage(stage: Data) -> Markup:
    head = element("h3", f"Stage {stage['stage']}")
    return element("div", head, _sides(_stage_side(stage["old"]), _stage_side(stage["new"])))


def _stage_side(stage: object) -> Markup:
    if not isinstance(stage, Mapping):
        return element("p", "not decided", class_="soft")
    parts = [element("p", f"{stage['outcome']}: {_pairs(stage['outputs'])}")]
    for rule in items(stage, "won"):
        place = f" {rule['file']}:{rule['line']}" if rule["file"] else ""
        parts.append(element("p", element("code", f"{rule['id']}{place}"), f" {rule['because']}"))
    if failed := stage["failed"]:
        parts.append(element("p", f"could not be evaluated: {shown(failed)}", class_="trips"))
    if stage["facts"]:
        parts.append(element("p", f"because {_pairs(stage['facts'])}", class_="soft"))
    return element("div", *parts)


def _sides(old: Markup, new: Markup) -> Markup:
    sides = (element("div", element("strong", name), side) for name, side in (("old", old), ("new", new)))
    return element("div", *sides, class_="sides")


def _pairs(facts: object) -> str:
    if not isinstance(facts, Mapping):
        return ""
    return ", ".join(f"{name} = {'missing' if value is None else shown(value)}" for name, value in facts.items()) or "-"


def _list(lines: Iterable[str]) -> Markup:
    return element("ul", *(element("li", line) for line in lines), class_="plain")


def items(data: Data, key: str) -> list[Data]:
    """The list under a key; empty when there is none."""
    found = data.get(key)
    return found if isinstance(found, list) else []
