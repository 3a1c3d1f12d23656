"""Rulebooks written as data, section by section, over a base that has stages, roles and fields enough for clocks."""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.compiler import compile_rulebook
from answerby.rules.loader import LoadResult
from tests.kit import rulebooks

BASE = {
    "rulebook": {
        "stages": {
            "priority": {"hit": "first", "default": {"priority": "P2"}, "on_error": {"priority": "P0"}},
            "sla": {"hit": "first"},
            "routing": {"hit": "first", "default": {"department": "desk"}, "on_error": {"department": "desk"}},
        },
        "roles": {"clerk": "Clerk", "chief": "Chief", "guard": "Guard"},
        "departments": {"desk": "DSK", "lab": "LAB"},
    },
    "fields": {
        "priority.asked": {"type": "enum", "values": ["P3", "P2", "P1", "P0"]},
        "kind": {"type": "string"},
        "requester": {"type": "enum", "values": ["customer", "owner", "nobody"], "default": "customer"},
        "priority": {"type": "enum", "values": ["P3", "P2", "P1", "P0"], "derived_by": "priority"},
        "department": {"type": "enum", "values": ["desk", "lab"], "derived_by": "routing"},
    },
    "templates": {"late": {"en": "{number} {clock}"}},
}
"""What every case needs besides its calendar, clocks and targets."""


def load(sections: Mapping[str, object], *stages: Mapping[str, object]) -> LoadResult:
    """Loads sections and files with `stage:`, written as real rule files."""
    files = {f"{name}.yaml": {name: content} for name, content in {**BASE, **sections}.items()}
    calendars = files.pop("calendars.yaml", {"calendars": {}})["calendars"]
    assert isinstance(calendars, dict)
    files |= {f"calendar-{name}.yaml": {"calendar": {"id": name, **spec}} for name, spec in calendars.items()}
    files |= {f"stage-{number}.yaml": dict(stage) for number, stage in enumerate(stages)}
    return rulebooks.load({name: yaml.safe_dump(content, allow_unicode=True) for name, content in files.items()})


def compiled(sections: Mapping[str, object], *stages: Mapping[str, object]) -> CompiledRulebook:
    result = load(sections, *stages)
    assert result.rulebook is not None, "\n".join(map(str, result.diagnostics))
    return compile_rulebook(result.rulebook, "reference")


def targets(*rules: tuple[Mapping[str, object], Mapping[str, object]]) -> dict[str, object]:
    """A file of the sla stage, the first rule that matches deciding; each is (when, targets by clock)."""
    written = [
        {
            "id": f"target-{number:02}",
            "because": "the case says so",
            "rank": number,
            **({"when": dict(when)} if when else {}),
            "then": {f"sla.{clock}": target for clock, target in goals.items()},
        }
        for number, (when, goals) in enumerate(rules, start=1)
    ]
    return {"stage": "sla", "hit": "first", "rules": written}
