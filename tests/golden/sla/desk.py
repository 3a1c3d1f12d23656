"""A service desk for the cases: one request under real rule files, its events in order, its timers under a virtual clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import count

import yaml

from answerby.domain.clock import ClockState, Timer
from answerby.domain.decision import Decision
from answerby.domain.effect import Effect
from answerby.domain.event import ActorRole, Event, Value
from answerby.domain.request import RequestState
from answerby.engine.case import Context
from answerby.engine.clocks.virtual_clock import fire_until
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.compiler import compile_rulebook
from answerby.engine.decide import decide
from answerby.rules.loader import LoadResult, load_texts
from answerby.rules.text.folder import RuleText

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
    dump = yaml.safe_dump
    return load_texts([RuleText(name, dump(content, allow_unicode=True), "") for name, content in files.items()])


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


class Desk:
    """Plays one request. Every call moves the virtual clock; timers due on the way fire at their own time."""

    def __init__(self, rulebook: CompiledRulebook) -> None:
        self.rulebook = rulebook
        self.state: RequestState | None = None
        self.decisions: list[Decision] = []
        self._ids = count(1)

    def see(
        self,
        kind: str,
        at: datetime,
        actor: ActorRole = ActorRole.AGENT,
        facts: Mapping[str, Value] | None = None,
    ) -> Decision:
        self.wait(at)
        event = Event(
            source="case",
            id=str(next(self._ids)),
            type=kind if "." in kind else f"request.{kind}",
            time=at,
            request_id="R-1",
            actor=actor,
            data=dict(facts or {}),
        )
        self._take(event, at)
        return self.decisions[-1]

    def wait(self, until: datetime) -> None:
        """Time alone passes."""
        fire_until(self.state, until, self._take)

    def change_rules(self, rulebook: CompiledRulebook) -> None:
        """Another revision becomes active; nothing happens to the request yet."""
        self.rulebook = rulebook

    def _take(self, event: Event, at: datetime) -> RequestState | None:
        decision = decide(self.rulebook, self.state, event, Context(), at)
        self.decisions.append(decision)
        self.state = decision.state
        return self.state

    def clock(self, name: str) -> ClockState:
        assert self.state is not None
        return self.state.clocks[name]

    def due(self, name: str) -> datetime | None:
        clocks = self.state.clocks if self.state is not None else {}
        return clocks[name].due if name in clocks else None

    def timers(self, name: str) -> list[Timer]:
        """The timers of a clock that wait, in order."""
        assert self.state is not None
        return sorted((t for t in self.state.timers.values() if t.clock == name and not t.fired), key=lambda t: t.due)

    def notices(self) -> list[tuple[datetime, Effect]]:
        """Every notification so far, with the moment of its decision."""
        return [(d.decided, effect) for d in self.decisions for effect in d.effects if effect.kind.value == "notify"]
