"""`ladders:` to escalation ladders."""

from __future__ import annotations

from answerby.domain.ladder import Ladder, Offsets, OnAcknowledgement, OnRuleChange, QuietHours, QuietThen, Rounds, Step
from answerby.rules.sections.clocks.ladder_step import MAX_REPEATS, read_step
from answerby.rules.sections.name_scope import NameKind, NameScope
from answerby.rules.sections.values.durations import read_seconds
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import MappingNode, Node

LADDER_KEYS = (
    "id",
    "because",
    "offsets",
    "steps",
    "quiet_hours",
    "on_acknowledgement",
    "acknowledgement_lasts",
    "climb_again",
    "on_rule_change",
    "description",
)
LADDER_CHOICES = {
    "offsets": tuple(Offsets),
    "on_acknowledgement": tuple(OnAcknowledgement),
    "on_rule_change": tuple(OnRuleChange),
}
QUIET_KEYS = ("calendar", "then")
QUIET_THEN = tuple(QuietThen)
AGAIN_KEYS = ("from_step", "every", "at_most")


def compile_ladders(scope: NameScope, sections: list[Node]) -> dict[str, Ladder]:
    """The ladders of all `ladders:` sections, by id."""
    found: dict[str, Ladder] = {}
    for section in sections:
        for node in scope.reader.sequence(section, "ladders"):
            mapping = scope.reader.mapping(node, "ladder")
            ladder = _ladder(scope, mapping) if mapping else None
            if ladder is not None:
                found[ladder.id] = ladder
    return dict(sorted(found.items()))


def _ladder(scope: NameScope, node: MappingNode) -> Ladder | None:
    keys = MappingKeys(scope.reader, node, "ladder", LADDER_KEYS)
    id_node, steps = keys.require("id"), keys.require("steps")
    name = None if id_node is None else scope.reader.identifier(id_node, "ladder id")
    if id_node is None or name is None or not scope.declare(NameKind.LADDER, name, id_node):
        return None
    because = keys.because()
    items = () if steps is None else scope.reader.sequence(steps, "steps")
    ladder_steps: list[Step] = []
    for item in items:
        mapping = scope.reader.mapping(item, "step")
        step = read_step(scope, mapping) if mapping else None
        if step is not None:
            ladder_steps.append(step)
            scope.step_places.setdefault(name, []).append(item.place)
    choices = {key: choice for key in LADDER_CHOICES if (choice := _choice(scope, keys, key)) is not None}
    lasts = keys.get("acknowledgement_lasts")
    return Ladder(
        name,
        tuple(ladder_steps),
        because,
        offsets=Offsets(choices.get("offsets", Offsets.WALL_TIME)),
        quiet_hours=_quiet_hours(scope, keys),
        on_acknowledgement=OnAcknowledgement(choices.get("on_acknowledgement", OnAcknowledgement.STOP_REPEATS)),
        acknowledgement_lasts=(lasts and read_seconds(scope.report, lasts, "acknowledgement_lasts")) or 0,
        rounds=_rounds(scope, keys, len(items)),
        on_rule_change=OnRuleChange(choices.get("on_rule_change", OnRuleChange.KEEP)),
        file=node.place.file,
    )


def _choice(scope: NameScope, keys: MappingKeys, key: str) -> str | None:
    node = keys.get(key)
    return None if node is None else scope.reader.choice(node, key, LADDER_CHOICES[key])


def _quiet_hours(scope: NameScope, keys: MappingKeys) -> QuietHours | None:
    node = keys.mapping("quiet_hours")
    if node is None:
        return None
    quiet = MappingKeys(scope.reader, node, "quiet_hours", QUIET_KEYS)
    calendar_node, then_node = quiet.require("calendar"), quiet.require("then")
    calendar = None if calendar_node is None else scope.refer(NameKind.CALENDAR, calendar_node)
    then = None if then_node is None else scope.reader.choice(then_node, "then", QUIET_THEN)
    return QuietHours(calendar, QuietThen(then)) if calendar is not None and then is not None else None


def _rounds(scope: NameScope, keys: MappingKeys, steps: int) -> Rounds | None:
    node = keys.mapping("climb_again")
    if node is None:
        return None
    again = MappingKeys(scope.reader, node, "climb_again", AGAIN_KEYS)
    from_step = again.integer("from_step", 1, 1, max(steps, 1))
    every, at_most = again.require("every"), again.require("at_most")
    seconds = None if every is None else read_seconds(scope.report, every, "every")
    times = None if at_most is None else scope.reader.integer(at_most, "at_most", 1, MAX_REPEATS)
    return Rounds(from_step - 1, seconds, times) if seconds and times else None
