"""The sections that declare things: vocabulary, lexicons, calendar, clocks, ladders, templates, rulebook."""

from __future__ import annotations

from answerby.domain.event import ActorRole
from answerby.domain.request import RequestStatus
from answerby.domain.schedule import LAST_DAY, MOST_LISTED, Audience, Every, OnHoliday
from answerby.rules.model.rulebook import STAGES, HitPolicy
from answerby.rules.model.vocabulary import FieldType
from answerby.rules.schema.building_blocks import (
    ANY_VALUE,
    ANYTHING,
    BOOLEAN,
    DATE,
    DURATION,
    IDENTIFIER,
    NONEMPTY_TEXT,
    SCALAR,
    TEXT,
    Schema,
    choice,
    either,
    integer,
    list_of,
    mapping,
    mapping_of,
    one_or_more,
    reference,
    with_description,
)
from answerby.rules.schema.rulebook_names import RulebookNames
from answerby.rules.schema.stages import one_or_more_mappings
from answerby.rules.sections.calendars.calendar import CALENDAR_KEYS
from answerby.rules.sections.calendars.calendar_days import DAYS, RANGE_KEYS
from answerby.rules.sections.calendars.holiday_sources import SOURCE_KEYS
from answerby.rules.sections.clocks.clock import CLOCK_CHOICES, CLOCK_KEYS, OCCASION_KEYS
from answerby.rules.sections.clocks.clock_kinds import KINDS
from answerby.rules.sections.clocks.ladder import (
    AGAIN_KEYS,
    LADDER_CHOICES,
    LADDER_KEYS,
    MAX_REPEATS,
    QUIET_KEYS,
    QUIET_THEN,
    REASSIGN_KEYS,
    REPEAT_KEYS,
    STEP_KEYS,
)
from answerby.rules.sections.clocks.triggers import TRIGGER_KEYS
from answerby.rules.sections.lexicons import LEXICON_KEYS
from answerby.rules.sections.rule_templates.expansion import TEMPLATE_KEYS, USE_KEYS
from answerby.rules.sections.rule_templates.parameters import PARAMETER_KEYS, ParameterType
from answerby.rules.sections.rulebook_settings import NUMBERING_KEYS, RULEBOOK_KEYS, STAGE_KEYS
from answerby.rules.sections.schedules import LAST, SCHEDULE_KEYS, TASK_KEYS, THEN_KEYS
from answerby.rules.sections.stages.stage_file import RULE_KEYS
from answerby.rules.sections.vocabulary import FIELD_KEYS, WINDOW_KEYS

_BECAUSE = with_description(NONEMPTY_TEXT, "Why it is so.")
_MOMENT = r"^(?:0*(?:100|[1-9][0-9]?)%|[+-](?:{0})|(?:PT)?(?:0+[hmsHMS])+|P?0+(?:bd|BD))$"  # {0}: a duration
_HOURS: Schema = {"type": "string", "pattern": r"^[0-9]{2}:[0-9]{2}\s*-\s*[0-9]{2}:[0-9]{2}$"}
_TIME = "^([01][0-9]|2[0-3]):[0-5][0-9]$"
_YEARLY: Schema = {"type": "string", "pattern": "^[0-9]{2}-[0-9]{2}$"}
_CODE: Schema = {"type": ["string", "integer"], "pattern": "^[A-Z0-9]{1,12}$"}


def section_definitions(names: RulebookNames) -> dict[str, Schema]:
    return {
        "fields": with_description(
            mapping_of(_field(names), keys={"pattern": r"^[^\s.]+(\.[^\s.]+)*$"}), "Fields by name."
        ),
        "lexicons": with_description(mapping_of(_lexicon(names)), "Lists of words and phrases by name."),
        "calendar": with_description(_calendar(names), "Working time and holidays."),
        "clocks": with_description(list_of(_clock(names)), "What starts, stops and pauses each clock."),
        "ladders": with_description(list_of(_ladder(names)), "What happens as a clock runs out, and after."),
        "templates": with_description(
            mapping_of(mapping_of(NONEMPTY_TEXT, least=1)), "Message texts by name and language."
        ),
        "rulebook": with_description(_rulebook(), "Stages, roles, departments, numbering."),
        "schedules": with_description(list_of(_schedule(names)), "What is told or begun at a time of the calendar."),
        "rule_templates": with_description(list_of(_rule_template()), "Patterns of rules, written once."),
    }


def _field(names: RulebookNames) -> Schema:
    window = mapping(
        WINDOW_KEYS,
        {
            "count": with_description(TEXT, "The value that is counted; any: every request."),
            "of": with_description(TEXT, "The field whose value it is; category when absent."),
            "by": with_description(names.field(), "Whose requests: such as customer.id."),
            "within": with_description(DURATION, "Over what time, such as 24h."),
        },
        required=("count", "by", "within"),
    )
    found = mapping(
        FIELD_KEYS,
        {
            "type": with_description(choice(FieldType), "What kind of value it is."),
            "values": with_description(
                list_of({"allOf": [NONEMPTY_TEXT, {"not": {"const": "any"}}]}), "From least to most severe."
            ),
            "aliases": with_description(mapping_of(TEXT), "Other spellings, each with the value that it means."),
            "other": with_description(TEXT, "What an unknown spelling becomes."),
            "default": with_description(SCALAR, "The value when the event gives none."),
            "derived_by": with_description(
                one_or_more(choice(STAGES)), "The stage whose rules set it; absent: given by events."
            ),
            "personal": with_description(BOOLEAN, "Personal data: kept out of logs."),
            "window": with_description(window, "A count of requests over time."),
            "parts": with_description(one_or_more(names.field()), "Texts that this text is put together of."),
            "unit": ANYTHING,
            "description": ANYTHING,
        },
        required=["type"],
    )
    found["if"] = {"properties": {"type": {"const": "enum"}}, "required": ["type"]}
    found["then"] = {"required": ["values"]}
    return found


def _lexicon(names: RulebookNames) -> Schema:
    terms = list_of(NONEMPTY_TEXT)
    long = mapping(
        LEXICON_KEYS,
        {
            "terms": with_description(terms, "Words and phrases, in any language."),
            "include": with_description(one_or_more(names.lexicon()), "Lexicons whose terms belong to it."),
            "except": with_description(
                one_or_more(names.lexicon()), "Lexicons of phrases in which a term does not count."
            ),
            "description": ANYTHING,
        },
    )
    return either(terms, {**long, "anyOf": [{"required": ["terms"]}, {"required": ["include"]}]})


def _calendar(names: RulebookNames) -> Schema:
    hours = either(_HOURS, list_of(_HOURS, least=0))
    day_range = mapping(RANGE_KEYS, {"from": DATE, "to": DATE, "name": TEXT})
    dated = mapping_of(hours, keys=DATE)
    year = integer(1970, 2200)
    found = mapping(
        CALENDAR_KEYS,
        {
            "id": with_description(IDENTIFIER, "Its name; always is built in."),
            "timezone": with_description(NONEMPTY_TEXT, "Such as Asia/Shanghai."),
            "weekly": with_description(mapping_of(hours), "Hours by day: mon-fri, sat, daily."),
            "years": with_description(one_or_more(year), "Years whose holidays are complete."),
            "provisional": with_description(one_or_more(year), "Years whose holidays are published only in part."),
            "holidays": with_description(
                either(mapping_of(TEXT, keys=DATE), list_of(either(DATE, day_range))), "Days off."
            ),
            "holidays_from": with_description(
                one_or_more_mappings(_holiday_source()), "A country's holidays, or an iCalendar file."
            ),
            "extra_workdays": with_description(
                either(mapping_of(choice(DAYS), keys=DATE), list_of(DATE)),
                "Make-up working days, and whose hours they have.",
            ),
            "annual_holidays": with_description(
                either(mapping_of(TEXT, keys=_YEARLY), list_of(_YEARLY)), "Days off every year: MM-DD."
            ),
            "overrides": with_description(dated, "Hours of single days; [] is closed."),
            "breaks": with_description(dated, "Hours that are left out on single days."),
            "within": with_description(one_or_more(names.calendar()), "Only while these calendars are open too."),
            "description": ANYTHING,
            "because": ANYTHING,
            "source": ANYTHING,
        },
        required=["id", "timezone", "weekly"],
    )
    # What is taken from elsewhere is taken for the years that the calendar lists.
    found["dependencies"] = {"holidays_from": {"anyOf": [{"required": ["years"]}, {"required": ["provisional"]}]}}
    return found


def _holiday_source() -> Schema:
    found = mapping(
        SOURCE_KEYS,
        {
            "country": with_description(TEXT, "Such as CN or US."),
            "subdivision": with_description(TEXT, "A state or province."),
            "categories": one_or_more(TEXT),
            "language": one_or_more(TEXT),
            "observed": BOOLEAN,
            "ics": with_description(TEXT, "An iCalendar file in the rule folder."),
            "without": with_description(one_or_more(TEXT), "Names of holidays that are left out."),
        },
    )
    return {**found, "oneOf": [{"required": ["country"]}, {"required": ["ics"]}]}


def _clock(names: RulebookNames) -> Schema:
    triggers: Schema = {"type": "array", "items": either(TEXT, reference("trigger"))}
    occasions = either(reference("trigger"), TEXT, triggers)
    several: Schema = {"type": "array", "items": choice(RequestStatus)}
    statuses = either(choice(RequestStatus), several)
    help_of = {
        "start": "What starts it; absent: as soon as stage sla gives it a target.",
        "stop": "What meets it.",
        "pause": "What makes it stand still.",
        "resume": "What lets it go on.",
        "cancel": "What ends it without meeting it.",
        "reset": "What ends it, so that it may start again.",
    }
    assert set(help_of) == set(OCCASION_KEYS)
    return mapping(
        CLOCK_KEYS,
        {
            "id": with_description(IDENTIFIER, "Its name; rules set sla.<id>."),
            "kind": with_description(choice(KINDS), "A preset of what starts, pauses and stops it."),
            "label": with_description(either(NONEMPTY_TEXT, mapping_of(NONEMPTY_TEXT)), "Its title, by language."),
            "because": _BECAUSE,
            "task": with_description(names.template(), "The text of a task for its role."),
            "calendar": with_description(names.calendar(), "The working time that counts; always: around the clock."),
            **{key: with_description(occasions, text) for key, text in help_of.items()},
            "pause_while": with_description(statuses, "Statuses during which it stands still; [] for none."),
            **{key: choice(values) for key, values in CLOCK_CHOICES.items()},
            "per": with_description(names.field(), "A field for each of whose values there is a clock of its own."),
            "ladder": with_description(names.ladder(), "What happens as it runs out."),
            "role": with_description(names.role(), "Who answers for it."),
            "description": ANYTHING,
        },
        required=["id", "because"],
    )


def trigger() -> Schema:
    found = mapping(
        TRIGGER_KEYS,
        {
            "event": with_description(one_or_more(TEXT), "Types of events."),
            "actor": with_description(one_or_more(choice(ActorRole)), "Whose events; absent: anybody's."),
            "when": with_description(reference("condition"), "What must hold."),
        },
    )
    return {**found, "anyOf": [{"required": ["event"]}, {"required": ["when"]}]}


def _ladder(names: RulebookNames) -> Schema:
    quiet = mapping(QUIET_KEYS, {"calendar": names.calendar(), "then": choice(QUIET_THEN)}, required=QUIET_KEYS)
    times = integer(1, MAX_REPEATS)
    again = mapping(
        AGAIN_KEYS, {"from_step": integer(1), "every": DURATION, "at_most": times}, required=("every", "at_most")
    )
    return mapping(
        LADDER_KEYS,
        {
            "id": with_description(IDENTIFIER, "Its name."),
            "because": _BECAUSE,
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


def _schedule(names: RulebookNames) -> Schema:
    task = mapping(TASK_KEYS, {"role": names.role(), "template": names.template()}, required=TASK_KEYS)
    then = mapping(
        THEN_KEYS,
        {
            "notify": with_description(one_or_more_mappings(reference("notification")), "Whom to tell."),
            "task": with_description(task, "A task for a role."),
            "open_case": with_description(IDENTIFIER, "Open a case of this kind."),
        },
    )
    day = either(integer(1, LAST_DAY), choice([LAST]))
    found = mapping(
        SCHEDULE_KEYS,
        {
            "id": with_description(IDENTIFIER, "Its name."),
            "because": _BECAUSE,
            "every": with_description(choice(Every), "How often it comes."),
            "at": with_description({"type": "string", "pattern": _TIME}, "The time of day: 09:00."),
            "on_days": with_description(one_or_more(choice(DAYS)), "The weekdays of a weekly schedule."),
            "day": with_description(day, "The day of the month; last is its last one."),
            "by_day": with_description(day, "That day of the month, or the working day before it."),
            "calendar": with_description(names.calendar(), "Whose days and time zone."),
            "on_holiday": with_description(choice(OnHoliday), "What becomes of a day without work."),
            "for": with_description(choice(Audience), "What one notice is about."),
            "when": with_description(reference("condition"), "Only open requests of which this holds."),
            "due_today": with_description(names.clock(), "Only requests of which this clock is due on that day."),
            "most_urgent": with_description(integer(1, MOST_LISTED), "How many requests a notice names."),
            "then": with_description({**then, "minProperties": 1}, "What it does."),
            "description": ANYTHING,
        },
        required=["id", "because", "every", "at", "calendar", "for", "then"],
    )
    found["allOf"] = [
        _when_every("week", {"required": ["on_days"]}),
        _when_every("month", {"anyOf": [{"required": ["day"]}, {"required": ["by_day"]}]}),
        {"anyOf": [{"required": ["on_holiday"]}, {"required": ["by_day"]}]},
    ]
    return found


def _when_every(every: str, then: Schema) -> Schema:
    return {"if": {"properties": {"every": {"const": every}}, "required": ["every"]}, "then": then}


def _rulebook() -> Schema:
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
    return mapping(
        RULEBOOK_KEYS,
        {
            "stages": with_description(mapping_of(stage, keys=choice(STAGES)), "Settings of the stages."),
            "roles": with_description(mapping_of(NONEMPTY_TEXT), "Titles by role."),
            "departments": with_description(mapping_of(_CODE), "Codes of request numbers by department."),
            "numbering": with_description(numbering, "How request numbers are made."),
            "complete_outputs": with_description(
                list_of(reference("completeOutput")), "Outputs that must not stand alone."
            ),
        },
    )


def _rule_template() -> Schema:
    """Within the rules a {parameter} may stand anywhere, so that only their keys can be told."""
    parameter = either(
        choice(ParameterType),
        {"type": "null"},
        mapping(
            PARAMETER_KEYS,
            {
                "type": choice(ParameterType),
                "default": ANY_VALUE,
                "values": list_of(SCALAR),
                "description": ANYTHING,
            },
        ),
    )
    keys = dict.fromkeys((*RULE_KEYS, *USE_KEYS))
    rule: Schema = {"type": "object", "additionalProperties": False, "properties": dict.fromkeys(keys, ANYTHING)}
    return mapping(
        TEMPLATE_KEYS,
        {
            "id": with_description(IDENTIFIER, "Its name."),
            "because": with_description(NONEMPTY_TEXT, "The reason of rules that have none of their own."),
            "description": ANYTHING,
            "parameters": with_description(mapping_of(parameter), "Parameters by name, each with its type."),
            "rules": with_description(list_of(rule), "Rules with {parameters}."),
        },
        required=["id", "rules"],
    )
