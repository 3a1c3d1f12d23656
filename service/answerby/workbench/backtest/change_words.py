"""The changes of one fact in words that fit it."""

# Stays interpreted: it runs once per backtest or group, not once per decision.
from __future__ import annotations

from answerby.workbench.backtest.fields import TARGET, ComparedField


def change_words(known: ComparedField, changed: int, raised: int, lowered: int, sometime: int) -> str:
    """The changes of one field, such as `3 raised, 1 lowered` of a priority, `16 get another department`."""
    if known.name == "priority":
        words = [f"{raised:,} raised, {lowered:,} lowered"] if raised or lowered else []
        others = changed - raised - lowered
        words += [f"{others:,} otherwise changed"] if others else []
    elif known.numeric and (raised or lowered):
        words = [f"{raised:,} {_verb(raised, 'get')} a higher number, {lowered:,} a lower one"]
    elif known.is_set:
        words = [f"{changed:,} {'has' if changed == 1 else 'have'} other {known.name}"] if changed else []
    else:
        what = "target" if known.name.startswith(TARGET) else known.name
        words = [f"{changed:,} {_verb(changed, 'get')} another {what}"] if changed else []
    if sometime > changed:
        words.append(f"{sometime:,} {_verb(sometime, 'differ')} upon at least one event")
    return "; ".join(words)


def _verb(number: int, verb: str) -> str:
    return f"{verb}s" if number == 1 else verb
