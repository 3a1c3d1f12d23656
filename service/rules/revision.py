"""The revision: a hash of what the rulebook means.

It is taken over the compiled content, sorted by id, and not over the files: comments, formatting, the order of keys,
file names and the split into files do not change it; any change of meaning or of a `because` does. Where a rule stands
(file, line) is not part of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from service.rules.condition import All, AnyOf, Atom, Condition, Not
from service.rules.model import Block, HitPolicy, Rule, Rulebook, Stage

LANGUAGE = 1
"""Raised when the same files come to mean something else."""


def revision_of(rulebook: Rulebook, calendars: Mapping[str, object]) -> str:
    """`r-` and 16 hex digits of SHA-256. `calendars` holds the parsed calendar sections by id."""
    content = {
        "language": LANGUAGE,
        "vocabulary": [msgspec.to_builtins(f, enc_hook=_plain) for f in rulebook.vocabulary.fields.values()],
        "stages": [_stage(stage) for stage in rulebook.stages],
        "lexicons": {name: lexicon.terms for name, lexicon in rulebook.lexicons.items()},
        "calendars": calendars,
        "clocks": rulebook.clocks,
        "ladders": rulebook.ladders,
        "templates": rulebook.templates,
        "roles": rulebook.roles,
        "numbering": rulebook.numbering,
    }
    text = json.dumps(msgspec.to_builtins(content, enc_hook=_plain), sort_keys=True, ensure_ascii=False)
    return f"r-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _stage(stage: Stage) -> object:
    rules = sorted((_rule(rule) for rule in stage.rules), key=lambda r: str(r["id"]))
    blocks = sorted(_block(block) for block in stage.blocks if block.hit is not HitPolicy.COLLECT)
    return [stage.name, stage.hit, stage.default, stage.on_error, rules, blocks]


def _block(block: Block) -> tuple[str, list[str]]:
    """Only a policy of its own makes it matter which rules share a block."""
    return block.hit, sorted(rule.id for rule in block.rules)


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
    }


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
    raise TypeError(f"{type(value).__name__} has no place in a revision")
