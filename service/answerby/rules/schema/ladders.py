"""The schema of `ladders:`."""

from __future__ import annotations

from answerby.rules.schema.building_blocks import (
    ANYTHING,
    BOOLEAN,
    DURATION,
    IDENTIFIER,
    REASON,
    Schema,
    choice,
    integer,
    list_of,
    mapping,
    one_or_more_mappings,
    reference,
    with_description,
)
from answerby.rules.schema.rulebook_names import RulebookNames
from answerby.rules.sections.clocks.ladder import AGAIN_KEYS, LADDER_CHOICES, LADDER_KEYS, QUIET_KEYS, QUIET_THEN
from answerby.rules.sections.clocks.ladder_step import MAX_REPEATS, REASSIGN_KEYS, REPEAT_KEYS, STEP_KEYS

_MOMENT = r"^(?:0*(?:100|[1-9][0-9]?)%|[+-](?:{0})|(?:PT)?(?:0+[hmsHMS])+|P?0+(?:bd|BD))$"  # {0}: a duration


def ladder_schema(names: RulebookNames) -> Schema:
    """The schema of one ladder."""
    quiet = mapping(QUIET_KEYS, {"calendar": names.calendar(), "then": choice(QUIET_THEN)}, required=QUIET_KEYS)
    times = integer(1, MAX_REPEATS)
    again = mapping(
        AGAIN_KEYS, {"from_step": integer(1), "every": DURATION, "at_most": times}, required=("every", "at_most")
    )
    return mapping(
        LADDER_KEYS,
        {
            "id": with_description(IDENTIFIER, "Its name."),
            "because": REASON,
            "steps": with_description(list_of(_step(names)), "Steps, each with its moment."),
            "quiet_hours": with_description(quiet, "When reminders wait."),
            "acknowledgement_lasts": with_description(DURATION, "After this an acknowledgement counts no more."),
            "climb_again": with_description(again, "Begin again when the last step has brought nothing."),
            **{key: choice(values) for key, values in LADDER_CHOICES.items()},
            "description": ANYTHING,
        },
        required=["id", "because", "steps"],
    )


def _step(names: RulebookNames) -> Schema:
    duration = str(DURATION["pattern"]).removeprefix("^(?:").removesuffix(")$")
    repeat = mapping(REPEAT_KEYS, {"every": DURATION, "at_most": integer(1, MAX_REPEATS)}, required=REPEAT_KEYS)
    reassign = mapping(REASSIGN_KEYS, {"department": names.department(), "role": names.role()})
    found = mapping(
        STEP_KEYS,
        {
            "at": with_description(
                {"type": "string", "pattern": _MOMENT.replace("{0}", duration)},
                "75% (of the target), -30m (before due), 0m (at due), +1h or +2bd (after).",
            ),
            "notify": with_description(one_or_more_mappings(reference("notification")), "Whom to tell."),
            "reassign": with_description(
                {**reassign, "anyOf": [{"required": [key]} for key in REASSIGN_KEYS]}, "Who takes over."
            ),
            "raise_priority": with_description(BOOLEAN, "Raise the priority by one."),
            "open_case": with_description(IDENTIFIER, "Open a case of this kind."),
            "repeat": with_description(repeat, "Until somebody acknowledges."),
            "because": ANYTHING,
        },
        required=["at"],
    )
    acts = [{"required": [key]} for key in ("notify", "reassign", "open_case")]
    raises = {"properties": {"raise_priority": {"const": True}}, "required": ["raise_priority"]}
    return {**found, "anyOf": [*acts, raises]}
