"""Effects of one decision, each with a key of its own: connectors get one effect for each key, and no other."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from answerby.domain.alert import ACKNOWLEDGE
from answerby.domain.effect import Effect, EffectKind


def distinct(effects: Sequence[Effect]) -> list[Effect]:
    """The effects, in their order. No two have the same key.

    Notices that say the same to the same role become one, as strong as the strongest: urgent if one is, and asking for
    an acknowledgement if one does. A case is opened once. Effects that have the same key and differ otherwise are all
    kept: the second gets the key with `/2`, and so on.
    """
    if len({effect.key for effect in effects}) == len(effects):
        return list(effects)
    kept: dict[str, Effect] = {}
    taken = {effect.key for effect in effects}
    for effect in effects:
        key, place = effect.key, 1
        while key in kept and not _means_the_same(kept[key], effect):
            place += 1
            key = _numbered(effect.key, place, taken)
        known = kept.get(key)
        kept[key] = _both(known, effect) if known is not None else replace(effect, key=key)
    return list(kept.values())


def _numbered(key: str, place: int, taken: set[str]) -> str:
    """The key with its place, lengthened where an effect of another meaning has it as its own key."""
    numbered = f"{key}/{place}"
    while numbered in taken:
        numbered += "/"
    return numbered


def _means_the_same(one: Effect, other: Effect) -> bool:
    if one.kind is not other.kind:
        return False
    if one.kind is EffectKind.OPEN_CASE:
        return one.payload.get("case") == other.payload.get("case")
    return (one.role, one.supersedes, _said(one)) == (other.role, other.supersedes, _said(other))


def _said(effect: Effect) -> dict[str, object]:
    return {name: value for name, value in effect.payload.items() if name != ACKNOWLEDGE}


def _both(one: Effect, other: Effect) -> Effect:
    """Two effects of the same meaning as one."""
    payload = one.payload
    if other.payload.get(ACKNOWLEDGE) is True:
        payload = {**payload, ACKNOWLEDGE: True}
    return replace(one, urgent=one.urgent or other.urgent, payload=payload)
