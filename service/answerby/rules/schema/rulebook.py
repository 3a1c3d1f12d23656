"""The schema of `rulebook:`."""

from __future__ import annotations

from answerby.domain.reply_policy import ReplyAction
from answerby.rules.model.rulebook import STAGES, HitPolicy
from answerby.rules.schema.building_blocks import (
    ANYTHING,
    DURATION,
    NONEMPTY_TEXT,
    Schema,
    choice,
    list_of,
    mapping,
    mapping_of,
    one_or_more_mappings,
    reference,
    with_description,
)
from answerby.rules.sections.reply_policy import REPLY_KEYS
from answerby.rules.sections.rulebook_settings import NUMBERING_KEYS, RULEBOOK_KEYS, STAGE_KEYS

_CODE: Schema = {"type": ["string", "integer"], "pattern": "^[A-Z0-9]{1,12}$"}


def rulebook_schema() -> Schema:
    """The schema of the settings of a rulebook."""
    stage = mapping(
        STAGE_KEYS,
        {
            "hit": with_description(choice(HitPolicy), "Which of several matches count."),
            "default": with_description(reference("outputs"), "What holds when no rule says otherwise."),
            "on_error": with_description(reference("outputs"), "The safe side, when a condition fails."),
            "because": ANYTHING,
        },
    )
    numbering = mapping(NUMBERING_KEYS, {"timezone": NONEMPTY_TEXT, "default_code": _CODE})
    replies = mapping(
        REPLY_KEYS,
        {
            "within": with_description(DURATION, "How long after the end; 336h (14 days) unless it is written."),
            "then": with_description(choice(ReplyAction), "What happens within that time."),
            "after": with_description(choice(ReplyAction), "What happens later."),
            "notify": with_description(one_or_more_mappings(reference("notification")), "Whom to tell."),
            "because": ANYTHING,
        },
    )
    return mapping(
        RULEBOOK_KEYS,
        {
            "stages": with_description(mapping_of(stage, keys=choice(STAGES)), "Settings of the stages."),
            "roles": with_description(mapping_of(NONEMPTY_TEXT), "Titles by role."),
            "departments": with_description(mapping_of(_CODE), "Codes of request numbers by department."),
            "numbering": with_description(
                numbering,
                "How request numbers are made; its timezone (Asia/Shanghai unless it is written) is the rulebook's.",
            ),
            "complete_outputs": with_description(
                list_of(reference("completeOutput")), "Outputs that must not stand alone."
            ),
            "replies_after_completion": with_description(
                replies, "What becomes of a customer's message to a completed or closed request."
            ),
        },
    )
