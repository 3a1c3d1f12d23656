"""Changes beside the rules: fields, lexicons, calendars, clocks, ladders, messages, settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from msgspec.structs import replace

from answerby.domain.ladder import Step
from answerby.rules.model.rulebook import Rulebook
from answerby.rules.model.vocabulary import Field
from answerby.sla.calendar import WEEKDAYS, Calendar
from answerby.workbench.diff.condition_text import attribute_names, value_text
from answerby.workbench.diff.model import Aspect, Change, Effect, Kind

WORDS_ONLY = frozenset({"because", "label", "owner", "file", "line"})
"""Attributes for people. Decisions depend on them in their texts only."""
PLACES = frozenset({"file", "line"})
DAYS = ("breaks", "overrides", "holidays", "annual_holidays", "extra_workdays")
MAX_NAMED = 8
"""The most days, terms or values named of one change. The rest is counted."""
STAGE_PARTS = frozenset({"name", "blocks", "scores"})
"""The attributes of a stage that are no settings."""
COMPARED_BY_THEMSELVES = frozenset(
    {
        "revision",
        "files",
        "vocabulary",
        "stages",
        "lexicons",
        "calendars",
        "clocks",
        "ladders",
        "schedules",
        "templates",
        "roles",
    }
)


def other_changes(old: Rulebook, new: Rulebook) -> Iterator[Change]:
    """All changes except those of rules and of the settings of stages."""
    yield from _items("field", old.vocabulary.fields, new.vocabulary.fields, _attributes)
    yield from _items("lexicon", old.lexicons, new.lexicons, _lexicon)
    yield from _items("calendar", old.calendars, new.calendars, _calendar)
    yield from _items("clock", old.clocks, new.clocks, _attributes)
    yield from _items("ladder", old.ladders, new.ladders, _attributes)
    yield from _items("schedule", old.schedules, new.schedules, _attributes)
    yield from _items("score", _scores(old), _scores(new), _attributes)
    yield from _items("template", old.templates, new.templates, _template, Effect.WORDS)
    yield from _items(
        "role", old.roles, new.roles, lambda a, b: [Aspect("title", value_text(a), value_text(b))], Effect.WORDS
    )
    yield from _settings(old, new)


def _settings(old: Rulebook, new: Rulebook) -> Iterator[Change]:
    """Changes of any other attribute of a rulebook, so that new attributes are compared too."""
    for field in dataclasses.fields(Rulebook):
        before, after = getattr(old, field.name), getattr(new, field.name)
        if field.name not in COMPARED_BY_THEMSELVES and before != after:
            whole = [Aspect(field.name, value_text(before), value_text(after))]
            found = _attributes(before, after) if attribute_names(before) else whole
            yield Change("settings", Kind.CHANGED, field.name, aspects=tuple(found), effect=Effect.MEANING)


def stage_changes(old: Rulebook, new: Rulebook) -> Iterator[Change]:
    """The stages whose own settings differ."""
    before, after = ({stage.name: stage for stage in book.stages} for book in (old, new))
    for name in sorted({*before, *after}):
        one, two = before.get(name), after.get(name)
        keys = [key for key in attribute_names(one or two) if key not in STAGE_PARTS]
        found = [
            Aspect(key, value_text(_setting(one, key)), value_text(_setting(two, key)))
            for key in keys
            if _setting(one, key) != _setting(two, key)
        ]
        if found:
            yield Change("stage", Kind.CHANGED, name, stage=name, aspects=tuple(found))


def _setting(stage: object, key: str) -> object:
    value = getattr(stage, key, None)
    return dict(sorted(value.items())) if isinstance(value, Mapping) else value


def _items(
    section: str,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    differ: Callable[[Any, Any], Iterable[Aspect]],
    effect: Effect = Effect.MEANING,
) -> Iterator[Change]:
    for name in sorted({*old, *new}):
        if name not in old:
            yield Change(section, Kind.ADDED, name, aspects=tuple(_whole(section, new[name])), effect=effect)
        elif name not in new:
            yield Change(section, Kind.REMOVED, name, aspects=tuple(_whole(section, old[name])), effect=effect)
        elif old[name] != new[name]:
            found = tuple(differ(old[name], new[name]))
            if found:
                words = all(aspect.name.partition(".")[0] in WORDS_ONLY for aspect in found)
                yield Change(section, Kind.CHANGED, name, aspects=found, effect=Effect.WORDS if words else effect)


def _whole(section: str, item: object) -> Iterator[Aspect]:
    if section == "lexicon":
        yield Aspect("terms", new=_some(getattr(item, "terms", ())))
    elif isinstance(item, Field):
        yield Aspect("type", new=item.type.value)


def _attributes(old: object, new: object) -> list[Aspect]:
    """The attributes that differ between two dataclasses of one kind; for a mapping the keys."""
    found = []
    for name in attribute_names(old):
        if name in PLACES:
            continue
        one, two = getattr(old, name), getattr(new, name)
        if isinstance(one, Mapping) and isinstance(two, Mapping):
            keys = sorted(key for key in {*one, *two} if one.get(key) != two.get(key))
            found += [Aspect(f"{name}.{key}", value_text(one.get(key)), value_text(two.get(key))) for key in keys]
        elif isinstance(one, tuple) and isinstance(two, tuple) and one and two and name == "steps":
            found += list(_steps(one, two))
        elif one != two:
            found.append(Aspect(name, value_text(one), value_text(two)))
    return found


def _others(old: object, new: object, known: Container[str]) -> Iterator[Aspect]:
    """The attributes that differ and that nothing else compares, so that none is forgotten."""
    for name in attribute_names(old):
        one, two = getattr(old, name), getattr(new, name)
        if name not in PLACES and name not in known and one != two:
            yield Aspect(name, value_text(one), value_text(two))


def _steps(old: Sequence[Step], new: Sequence[Step]) -> Iterator[Aspect]:
    for number in range(max(len(old), len(new))):
        one, two = (replace(each[number], line=0) if number < len(each) else None for each in (old, new))
        if one != two:
            yield Aspect(f"step {number + 1}", value_text(one), value_text(two))


def _lexicon(old: object, new: object) -> Iterator[Aspect]:
    for name in ("terms", "exceptions"):
        before, after = set(getattr(old, name)), set(getattr(new, name))
        if before != after:
            yield Aspect(name, _some(sorted(before - after)), _some(sorted(after - before)))
    yield from _others(old, new, {"id", "terms", "exceptions"})


def _template(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Aspect]:
    for language in sorted({*old, *new}):
        if old.get(language) != new.get(language):
            yield Aspect(language, old.get(language, ""), new.get(language, ""))


def _scores(book: Rulebook) -> dict[str, object]:
    return {score.id: score for stage in book.stages for score in stage.scores}


def _calendar(old: Calendar, new: Calendar) -> Iterator[Aspect]:
    """The days with other working time, and the other settings of the calendar."""
    if old.timezone != new.timezone:
        yield Aspect("timezone", old.timezone, new.timezone)
    for number, name in enumerate(WEEKDAYS):
        if old.weekly[number] != new.weekly[number]:
            yield Aspect(name, _hours(old.weekly[number]), _hours(new.weekly[number]))
    years = sorted(_years(old) | _years(new))
    days = [day for day in _days(years) if _exceptional(old, day) != _exceptional(new, day)]
    for day in days[:MAX_NAMED]:
        yield Aspect(day.isoformat(), _hours(old.intervals_on(day)), _hours(new.intervals_on(day)))
    if len(days) > MAX_NAMED:
        yield Aspect("more days", new=str(len(days) - MAX_NAMED))
    for name in ("years", "provisional_years"):
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield Aspect(name, _year_list(before), _year_list(after))
    names = [d for d in sorted({*old.holidays, *new.holidays}) if old.holidays.get(d) != new.holidays.get(d)]
    if set(old.holidays) == set(new.holidays) and names and not days:
        yield Aspect("label.holidays", ", ".join(d.isoformat() for d in names[:MAX_NAMED]))
    compared = {"id", "timezone", "weekly", "years", "provisional_years"}
    named_by_label = {"holidays"} if set(old.holidays) == set(new.holidays) else set()
    yield from _others(old, new, {*compared, *(DAYS if days else named_by_label)})


def _exceptional(calendar: Calendar, day: date) -> object:
    """The hours of a day that differ from those of its weekday; None when they do not."""
    hours = calendar.intervals_on(day)
    return None if hours == calendar.weekly[day.weekday()] else hours


def _years(calendar: Calendar) -> set[int]:
    parts = (calendar.breaks, calendar.overrides, calendar.holidays, calendar.extra_workdays)
    dated = {day.year for part in parts for day in part}
    found = dated | set(calendar.years or ()) | set(calendar.provisional_years)
    # A calendar with yearly holidays may name no year. One leap year then stands for all.
    return found | ({2028} if calendar.annual_holidays and not found else set())


def _days(years: Iterable[int]) -> Iterator[date]:
    for year in years:
        day = date(year, 1, 1)
        while day.year == year:
            yield day
            day += timedelta(days=1)


def _hours(intervals: Iterable[tuple[int, int]]) -> str:
    return ", ".join(f"{_clock(start)}-{_clock(end)}" for start, end in intervals) or "closed"


def _clock(second: int) -> str:
    return f"{second // 3600:02}:{second % 3600 // 60:02}"


def _year_list(years: Iterable[int] | None) -> str:
    return "any" if years is None else ", ".join(map(str, sorted(years))) or "none"


def _some(items: Iterable[str]) -> str:
    named = list(items)
    rest = f" and {len(named) - MAX_NAMED} more" if len(named) > MAX_NAMED else ""
    return ", ".join(named[:MAX_NAMED]) + rest
