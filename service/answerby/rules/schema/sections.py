"""The sections that declare things: vocabulary, lexicons, calendar, clocks, ladders, templates, rulebook."""

from __future__ import annotations

from answerby.domain.event import ActorRole
from answerby.domain.request import RequestStatus
from answerby.domain.schedule import LAST_DAY, MOST_LISTED, Audience, Every, OnHoliday
from answerby.rules.model.rulebook import STAGES, HitPolicy
from answerby.rules.model.vocabulary import FieldType
from answerby.rules.schema.building_blocks import (
    ANYTHING,
    BOOLEAN,
    DATE,
    DURATION,
    FILLED,
    IDENTIFIER,
    NOT_NOTHING,
    SCALAR,
    TEXT,
    Schema,
    choice,
    either,
    integer,
    keyed,
    listing,
    mapping,
    one_or_more,
    reference,
    told,
)
from answerby.rules.schema.rulebook_names import Names
from answerby.rules.schema.stages import one_or_more_mappings
from answerby.rules.sections.calendars.calendar import KEYS as CALENDAR_KEYS
from answerby.rules.sections.calendars.calendar_days import DAYS, RANGE_KEYS
from answerby.rules.sections.calendars.holiday_sources import SOURCE_KEYS
from answerby.rules.sections.clocks.clock import CHOICES as CLOCK_CHOICES
from answerby.rules.sections.clocks.clock import KEYS as CLOCK_KEYS
from answerby.rules.sections.clocks.clock import OCCASION_KEYS
from answerby.rules.sections.clocks.clock_kinds import KINDS
from answerby.rules.sections.clocks.ladder import (
    AGAIN_KEYS,
    LADDER_KEYS,
    MAX_REPEATS,
    QUIET_KEYS,
    QUIET_THEN,
    REASSIGN_KEYS,
    REPEAT_KEYS,
    STEP_KEYS,
)
from answerby.rules.sections.clocks.ladder import CHOICES as LADDER_CHOICES
from answerby.rules.sections.clocks.triggers import TRIGGER_KEYS
from answerby.rules.sections.lexicons import LEXICON_KEYS
from answerby.rules.sections.rule_templates.expansion import TEMPLATE_KEYS, USE_KEYS
from answerby.rules.sections.rule_templates.parameters import PARAMETER_KEYS, ParameterType
from answerby.rules.sections.rulebook_settings import NUMBERING_KEYS, RULEBOOK_KEYS, STAGE_KEYS
from answerby.rules.sections.schedules import LAST, SCHEDULE_KEYS, TASK_KEYS, THEN_KEYS
from answerby.rules.sections.stages.stage_file import RULE_KEYS
from answerby.rules.sections.vocabulary import FIELD_KEYS, WINDOW_KEYS

_BECAUSE = told(FILLED, "Why it is so.")
_MOMENT = r"^(?:0*(?:100|[1-9][0-9]?)%|[+-](?:{0})|(?:PT)?(?:0+[hmsHMS])+|P?0+(?:bd|BD))$"  # {0}: a duration
_HOURS: Schema = {"type": "string", "pattern": r"^[0-9]{2}:[0-9]{2}\s*-\s*[0-9]{2}:[0-9]{2}$"}
_TIME = "^([01][0-9]|2[0-3]):[0-5][0-9]$"
_YEARLY: Schema = {"type": "string", "pattern": "^[0-9]{2}-[0-9]{2}$"}
_CODE: Schema = {"type": ["string", "integer"], "pattern": "^[A-Z0-9]{1,12}$"}


def section_definitions(names: Names) -> dict[str, Schema]:
    return {
        "fields": told(keyed(_field(names), keys={"pattern": r"^[^\s.]+(\.[^\s.]+)*$"}), "Fields by name."),
        "lexicons": told(keyed(_lexicon(names)), "Lists of words and phrases by name."),
        "calendar": told(_calendar(names), "Working time and holidays."),
        "clocks": told(listing(_clock(names)), "What starts, stops and pauses each clock."),
        "ladders": told(listing(_ladder(names)), "What happens as a clock runs out, and after."),
        "templates": told(keyed(keyed(FILLED, least=1)), "Message texts by name and language."),
        "rulebook": told(_rulebook(), "Stages, roles, departments, numbering."),
        "schedules": told(listing(_schedule(names)), "What is told or begun at a time of the calendar."),
        "rule_templates": told(listing(_rule_template()), "Patterns of rules, written once."),
    }


def _field(names: Names) -> Schema:
    window = mapping(
        WINDOW_KEYS,
        {
            "count": told(TEXT, "The value that is counted; any: every request."),
            "of": told(TEXT, "The field whose value it is; category when absent."),
            "by": told(names.field(), "Whose requests: such as customer.id."),
            "within": told(DURATION, "Over what time, such as 24h."),
        },
        required=("count", "by", "within"),
    )
    found = mapping(
        FIELD_KEYS,
        {
            "type": told(choice(FieldType), "What kind of value it is."),
            "values": told(listing({"allOf": [FILLED, {"not": {"const": "any"}}]}), "From least to most severe."),
            "aliases": told(keyed(TEXT), "Other spellings, each with the value that it means."),
            "other": told(TEXT, "What an unknown spelling becomes."),
            "default": told(SCALAR, "The value when the event gives none."),
            "derived_by": told(one_or_more(choice(STAGES)), "The stage whose rules set it; absent: given by events."),
            "personal": told(BOOLEAN, "Personal data: kept out of logs."),
            "window": told(window, "A count of requests over time."),
            "parts": told(one_or_more(names.field()), "Texts that this text is put together of."),
            "unit": ANYTHING,
            "description": ANYTHING,
        },
        required=["type"],
    )
    found["if"] = {"properties": {"type": {"const": "enum"}}, "required": ["type"]}
    found["then"] = {"required": ["values"]}
    return found


def _lexicon(names: Names) -> Schema:
    terms = listing(FILLED)
    long = mapping(
        LEXICON_KEYS,
        {
            "terms": told(terms, "Words and phrases, in any language."),
            "include": told(one_or_more(names.lexicon()), "Lexicons whose terms belong to it."),
            "except": told(one_or_more(names.lexicon()), "Lexicons of phrases in which a term does not count."),
            "description": ANYTHING,
        },
    )
    return either(terms, {**long, "anyOf": [{"required": ["terms"]}, {"required": ["include"]}]})


def _calendar(names: Names) -> Schema:
    hours = either(_HOURS, listing(_HOURS, least=0))
    day_range = mapping(RANGE_KEYS, {"from": DATE, "to": DATE, "name": TEXT})
    dated = keyed(hours, keys=DATE)
    year = integer(1970, 2200)
    found = mapping(
        CALENDAR_KEYS,
        {
            "id": told(IDENTIFIER, "Its name; always is built in."),
            "timezone": told(FILLED, "Such as Asia/Shanghai."),
            "weekly": told(keyed(hours), "Hours by day: mon-fri, sat, daily."),
            "years": told(one_or_more(year), "Years whose holidays are complete."),
            "provisional": told(one_or_more(year), "Years whose holidays are published only in part."),
            "holidays": told(either(keyed(TEXT, keys=DATE), listing(either(DATE, day_range))), "Days off."),
            "holidays_from": told(
                one_or_more_mappings(_holiday_source()), "A country's holidays, or an iCalendar file."
            ),
            "extra_workdays": told(
                either(keyed(choice(DAYS), keys=DATE), listing(DATE)),
                "Make-up working days, and whose hours they have.",
            ),
            "annual_holidays": told(either(keyed(TEXT, keys=_YEARLY), listing(_YEARLY)), "Days off every year: MM-DD."),
            "overrides": told(dated, "Hours of single days; [] is closed."),
            "breaks": told(dated, "Hours that are left out on single days."),
            "within": told(one_or_more(names.calendar()), "Only while these calendars are open too."),
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
            "country": told(TEXT, "Such as CN or US."),
            "subdivision": told(TEXT, "A state or province."),
            "categories": one_or_more(TEXT),
            "language": one_or_more(TEXT),
            "observed": BOOLEAN,
            "ics": told(TEXT, "An iCalendar file in the rule folder."),
            "without": told(one_or_more(TEXT), "Names of holidays that are left out."),
        },
    )
    return {**found, "oneOf": [{"required": ["country"]}, {"required": ["ics"]}]}


def _clock(names: Names) -> Schema:
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
            "id": told(IDENTIFIER, "Its name; rules set sla.<id>."),
            "kind": told(choice(KINDS), "A preset of what starts, pauses and stops it."),
            "label": told(either(FILLED, keyed(FILLED)), "Its title, by language."),
            "because": _BECAUSE,
            "task": told(names.template(), "The text of a task for its role."),
            "calendar": told(names.calendar(), "The working time that counts; always: around the clock."),
            **{key: told(occasions, text) for key, text in help_of.items()},
            "pause_while": told(statuses, "Statuses during which it stands still; [] for none."),
            **{key: choice(values) for key, values in CLOCK_CHOICES.items()},
            "per": told(names.field(), "A field for each of whose values there is a clock of its own."),
            "ladder": told(names.ladder(), "What happens as it runs out."),
            "role": told(names.role(), "Who answers for it."),
            "description": ANYTHING,
        },
        required=["id", "because"],
    )


def trigger() -> Schema:
    found = mapping(
        TRIGGER_KEYS,
        {
            "event": told(one_or_more(TEXT), "Types of events."),
            "actor": told(one_or_more(choice(ActorRole)), "Whose events; absent: anybody's."),
            "when": told(reference("condition"), "What must hold."),
        },
    )
    return {**found, "anyOf": [{"required": ["event"]}, {"required": ["when"]}]}


def _ladder(names: Names) -> Schema:
    quiet = mapping(QUIET_KEYS, {"calendar": names.calendar(), "then": choice(QUIET_THEN)}, required=QUIET_KEYS)
    times = integer(1, MAX_REPEATS)
    again = mapping(
        AGAIN_KEYS, {"from_step": integer(1), "every": DURATION, "at_most": times}, required=("every", "at_most")
    )
    return mapping(
        LADDER_KEYS,
        {
            "id": told(IDENTIFIER, "Its name."),
            "because": _BECAUSE,
            "steps": told(listing(_step(names)), "Steps, each with its moment."),
            "quiet_hours": told(quiet, "When reminders wait."),
            "acknowledgement_lasts": told(DURATION, "After this an acknowledgement counts no more."),
            "climb_again": told(again, "Begin again when the last step has brought nothing."),
            **{key: choice(values) for key, values in LADDER_CHOICES.items()},
            "description": ANYTHING,
        },
        required=["id", "because", "steps"],
    )


def _step(names: Names) -> Schema:
    duration = str(DURATION["pattern"]).removeprefix("^(?:").removesuffix(")$")
    repeat = mapping(REPEAT_KEYS, {"every": DURATION, "at_most": integer(1, MAX_REPEATS)}, required=REPEAT_KEYS)
    reassign = mapping(REASSIGN_KEYS, {"department": names.department(), "role": names.role()})
    found = mapping(
        STEP_KEYS,
        {
            "at": told(
                {"type": "string", "pattern": _MOMENT.replace("{0}", duration)},
                "75% (of the target), -30m (before due), 0m (at due), +1h or +2bd (after).",
            ),
            "notify": told(one_or_more_mappings(reference("notification")), "Whom to tell."),
            "reassign": told({**reassign, "anyOf": [{"required": [key]} for key in REASSIGN_KEYS]}, "Who takes over."),
            "raise_priority": told(BOOLEAN, "Raise the priority by one."),
            "open_case": told(IDENTIFIER, "Open a case of this kind."),
            "repeat": told(repeat, "Until somebody acknowledges."),
            "because": ANYTHING,
        },
        required=["at"],
    )
    acts = [{"required": [key]} for key in ("notify", "reassign", "open_case")]
    raises = {"properties": {"raise_priority": {"const": True}}, "required": ["raise_priority"]}
    return {**found, "anyOf": [*acts, raises]}


def _schedule(names: Names) -> Schema:
    task = mapping(TASK_KEYS, {"role": names.role(), "template": names.template()}, required=TASK_KEYS)
    then = mapping(
        THEN_KEYS,
        {
            "notify": told(one_or_more_mappings(reference("notification")), "Whom to tell."),
            "task": told(task, "A task for a role."),
            "open_case": told(IDENTIFIER, "Open a case of this kind."),
        },
    )
    day = either(integer(1, LAST_DAY), choice([LAST]))
    found = mapping(
        SCHEDULE_KEYS,
        {
            "id": told(IDENTIFIER, "Its name."),
            "because": _BECAUSE,
            "every": told(choice(Every), "How often it comes."),
            "at": told({"type": "string", "pattern": _TIME}, "The time of day: 09:00."),
            "on_days": told(one_or_more(choice(DAYS)), "The weekdays of a weekly schedule."),
            "day": told(day, "The day of the month; last is its last one."),
            "by_day": told(day, "That day of the month, or the working day before it."),
            "calendar": told(names.calendar(), "Whose days and time zone."),
            "on_holiday": told(choice(OnHoliday), "What becomes of a day without work."),
            "for": told(choice(Audience), "What one notice is about."),
            "when": told(reference("condition"), "Only open requests of which this holds."),
            "due_today": told(names.clock(), "Only requests of which this clock is due on that day."),
            "most_urgent": told(integer(1, MOST_LISTED), "How many requests a notice names."),
            "then": told({**then, "minProperties": 1}, "What it does."),
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
            "hit": told(choice(HitPolicy), "Which of several matches count."),
            "default": told(reference("outputs"), "What holds when no rule says otherwise."),
            "on_error": told(reference("outputs"), "The safe side, when a condition fails."),
            "because": ANYTHING,
        },
    )
    numbering = mapping(NUMBERING_KEYS, {"timezone": FILLED, "default_code": _CODE})
    return mapping(
        RULEBOOK_KEYS,
        {
            "stages": told(keyed(stage, keys=choice(STAGES)), "Settings of the stages."),
            "roles": told(keyed(FILLED), "Titles by role."),
            "departments": told(keyed(_CODE), "Codes of request numbers by department."),
            "numbering": told(numbering, "How request numbers are made."),
            "complete_outputs": told(listing(reference("completeOutput")), "Outputs that must not stand alone."),
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
                "default": NOT_NOTHING,
                "values": listing(SCALAR),
                "description": ANYTHING,
            },
        ),
    )
    keys = dict.fromkeys((*RULE_KEYS, *USE_KEYS))
    rule: Schema = {"type": "object", "additionalProperties": False, "properties": dict.fromkeys(keys, ANYTHING)}
    return mapping(
        TEMPLATE_KEYS,
        {
            "id": told(IDENTIFIER, "Its name."),
            "because": told(FILLED, "The reason of rules that have none of their own."),
            "description": ANYTHING,
            "parameters": told(keyed(parameter), "Parameters by name, each with its type."),
            "rules": told(listing(rule), "Rules with {parameters}."),
        },
        required=["id", "rules"],
    )
