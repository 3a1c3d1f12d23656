"""The internal note of an effect: a text for persons, and our mark."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from answerby.domain.effect import EffectKind
from answerby.domain.event import Value
from answerby.domain.message_words import local_time
from answerby_connectors.kit.base import Delivery
from answerby_connectors.kit.notes.marker import Marker
from answerby_connectors.kit.notes.markup import PLAIN, Markup

TITLES = {
    EffectKind.UPDATE_REQUEST: "decision",
    EffectKind.NOTIFY: "notice",
    EffectKind.CREATE_TASK: "task",
    EffectKind.OPEN_CASE: "case",
}
FIRST = ("category", "urgency", "priority", "department", "role", "status", "next_due", "next_due_clock")
BECAUSE = "because"
BESIDE_TEXT = ("role_title", "clock", "due")
FLAGS = "flags"
UNSAID = frozenset({BECAUSE, FLAGS, "missing_count", "template", "acknowledge"})
EXPLAINED = frozenset({EffectKind.UPDATE_REQUEST, EffectKind.OPEN_CASE})
TEXT = "text."
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?[+-]\d\d:\d\d")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Control characters, terminal sequences among them, line ends of Unicode, and what turns the direction of text."""
LIMIT = 20_000
"""The limit in characters of a platform that names none. A longer note is cut before its mark."""


def write_note(
    delivery: Delivery,
    values: Mapping[str, str],
    remarks: Iterable[str],
    *,
    flags: bool = False,
    markup: Markup = PLAIN,
    limit: int = LIMIT,
) -> object:
    """The note of an effect: title, texts, facts, due times, reasons, remarks on failed settings, mark.

    With `flags`, it also names what was refused, in doubt or missing.
    """
    payload = delivery.effect.payload
    lines = [" ".join(filter(None, ("answerby", TITLES[delivery.effect.kind], delivery.number)))]
    lines += [str(payload[name]) for name in sorted(payload) if name.startswith(TEXT) and payload[name]]
    lines += [f"{name}: {shown(payload[name])}" for name in ordered(payload, delivery.effect.kind)]
    because = payload.get(BECAUSE)
    if because and delivery.effect.kind in EXPLAINED:
        lines.append("because:")
        lines += [f"- {reason}" for reason in (because if isinstance(because, list) else [str(because)])]
    told = payload.get(FLAGS) if flags else None
    lines += [f"! {flag}" for flag in (told if isinstance(told, list) else [])]
    lines += [f"! {remark}" for remark in remarks]
    text = CONTROL.sub(" ", "\n".join(lines))
    return markup.note(text.split("\n"), str(Marker(delivery.effect_id, values)), limit)


def ordered(payload: Mapping[str, Value], kind: EffectKind) -> list[str]:
    """The facts with content, known facts first. A text of its own needs only its recipient and its due time."""
    if kind not in EXPLAINED and any(name.startswith(TEXT) for name in payload):
        named, others = [name for name in BESIDE_TEXT if name in payload], []
    else:
        named = [name for name in FIRST if name in payload]
        others = sorted(n for n in payload if n not in FIRST and n not in UNSAID and not n.startswith(TEXT))
    return [name for name in named + others if payload[name] not in (None, "", [], False)]


def shown(value: Value) -> str:
    """The value for people: an instant as `2026-03-02 14:00 +0800`, in the local time that the effect gives it."""
    if isinstance(value, list):
        return ", ".join(map(shown, value))
    return _instant_text(value) if isinstance(value, str) and INSTANT.fullmatch(value) else str(value)


def _instant_text(text: str) -> str:
    try:
        return local_time(datetime.fromisoformat(text), None)
    except ValueError:
        return text
