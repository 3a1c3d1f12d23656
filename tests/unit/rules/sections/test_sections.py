"""What the other sections become: vocabulary, lexicons, calendars, clocks, ladders, templates, settings."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from answerby.domain.ladder import Notification, Step
from answerby.rules.model.rulebook import HitPolicy
from answerby.rules.model.vocabulary import FieldType, Window


@pytest.fixture(scope="module")
def rulebook(load):
    return load().rulebook


def test_fields(rulebook):
    channel, text = rulebook.vocabulary["channel"], rulebook.vocabulary["text"]

    assert (channel.type, channel.values, channel.other) == (FieldType.ENUM, ("web", "phone", "other"), "other")
    assert channel.aliases == {"电话": "phone"}
    assert (text.parts, text.personal) == (("text.subject", "text.body"), True)
    assert rulebook.vocabulary["customer.complaints_24h"].window == Window(
        "complaint", "customer.id", timedelta(hours=24)
    )
    assert rulebook.vocabulary["tags"].derived_by == ("classification", "routing")


@pytest.mark.parametrize("name", ["event.type", "event.actor", "event.time", "request.status", "request.acknowledged"])
def test_some_fields_are_built_in(rulebook, name):
    assert rulebook.vocabulary[name].derived_by == ()


def test_spellings_are_folded(load):
    field = "fields:\n  form: {type: enum, values: [web, fax], aliases: {Ｗｅｂ   Page: web, FACSIMILE: fax}}\n"

    aliases = load({"more.yaml": field}).rulebook.vocabulary["form"].aliases

    assert aliases == {"web page": "web", "facsimile": "fax"}


def test_a_lexicon_holds_what_it_includes(rulebook):
    assert rulebook.lexicons["safety"].terms == ("caught fire", "electric shock", "爆炸", "起火")


def test_terms_are_folded(load):
    lexicon = 'lexicons: {words: ["  CAUGHT\\tＦire ", 12315]}'

    assert load({"more.yaml": lexicon}).rulebook.lexicons["words"].terms == ("12315", "caught fire")


def test_a_calendar(rulebook):
    calendar = rulebook.calendars["cn-business"]

    assert calendar.intervals_on(date(2026, 3, 2)) == ((32_400, 43_200), (46_800, 64_800))
    assert calendar.intervals_on(date(2026, 1, 1)) == ()
    assert calendar.holiday_on(date(2026, 1, 1)) == "元旦"
    assert calendar.intervals_on(date(2026, 1, 3)) == ()
    assert calendar.intervals_on(date(2026, 1, 4)) == ((32_400, 43_200), (46_800, 64_800))
    assert calendar.is_working(datetime(2026, 3, 2, 1, 0, tzinfo=UTC))
    assert not calendar.is_working(datetime(2026, 3, 2, 0, 59, tzinfo=UTC))
    assert (calendar.knows_year(2026), calendar.knows_year(2027)) == (True, False)


def test_a_calendar_with_everything(load):
    text = """\
calendar:
  id: full
  timezone: Europe/Berlin
  weekly: {mon: "08:00-16:00", tue-thu: ["08:00-12:00", "13:00-17:00"], fri: [], sat: "10:00-24:00"}
  years: [2026]
  provisional: [2027]
  holidays: [2026-05-01]
  annual_holidays: {12-25: Christmas}
  extra_workdays: {2026-05-10: tue}
  overrides: {2026-12-24: "08:00-12:00", 2026-12-28: []}
  breaks: {2026-05-11: "10:00-10:30"}
"""
    calendar = load({"full.yaml": text}).rulebook.calendars["full"]

    assert calendar.intervals_on(date(2026, 5, 10)) == ((28_800, 43_200), (46_800, 61_200))
    assert calendar.intervals_on(date(2026, 5, 11)) == ((28_800, 36_000), (37_800, 57_600))
    assert calendar.intervals_on(date(2026, 5, 16)) == ((36_000, 86_400),)
    assert calendar.intervals_on(date(2026, 12, 24)) == ((28_800, 43_200),)
    assert calendar.intervals_on(date(2026, 12, 28)) == ()
    assert calendar.holiday_on(date(2026, 12, 25)) == "Christmas"
    assert calendar.provisional_years == {2027}


@pytest.mark.parametrize(
    ("days", "known"),
    [
        ("holidays: [2026-05-01]", {2026}),
        ("extra_workdays: {2027-05-10: tue}\n  holidays: [{from: 2026-05-01, to: 2026-05-03}]", {2026, 2027}),
        ("provisional: [2027]", {2027}),
        ("annual_holidays: [12-25]", {2026, 2027, 2028}),
        ("overrides: {2026-12-24: []}", {2026, 2027, 2028}),
    ],
)
def test_dated_days_off_without_years_are_complete_for_their_own_years_at_most(load, days, known):
    text = f"calendar:\n  id: dated\n  timezone: Europe/Berlin\n  weekly: {{mon-fri: ['08:00-16:00']}}\n  {days}\n"
    calendar = load({"dated.yaml": text}).rulebook.calendars["dated"]

    assert {year for year in (2026, 2027, 2028) if calendar.knows_year(year)} == known


def test_a_clock(rulebook):
    clock = rulebook.clocks["first_response"]

    assert (clock.calendar, clock.stop, clock.ladder, clock.role) == (
        "cn-business",
        ("request.replied",),
        "standard",
        "owner",
    )


def test_a_clock_with_everything(load):
    text = """\
clocks:
  - id: full
    label: {zh: 全部, en: Full}
    because: To try it.
    start: [request.reopened, request.accepted]
    stop: request.completed
    pause_while: [on_hold, blocked]
    task: warn
"""
    clock = load({"full.yaml": text}).rulebook.clocks["full"]

    assert (clock.label, clock.calendar, clock.task) == ({"zh": "全部", "en": "Full"}, "always", "warn")
    assert clock.start == ("request.accepted", "request.reopened")
    assert clock.pause_while == ("blocked", "on_hold")


def test_the_steps_of_a_ladder(load):
    text = """\
ladders:
  - id: full
    because: To try it.
    steps:
      - {at: 75%, notify: {role: owner}}
      - {at: -30m, open_case: soon}
      - {at: +1h, raise_priority: true, repeat: {every: 30m, at_most: 5}}
"""
    ladder = load({"full.yaml": text}).rulebook.ladders["full"]

    assert ladder.steps == (
        Step(None, 75, (Notification(("owner",)),), line=5),
        Step(-1800, None, open_case="soon", line=6),
        Step(3600, None, raise_priority=True, repeat_every_seconds=1800, repeat_at_most=5, line=7),
    )
    assert ladder.file == "full.yaml"


def test_templates_roles_and_numbering(rulebook):
    assert rulebook.templates["warn"] == {"zh": "{number} 将超时", "en": "{number} is nearly late"}
    assert rulebook.roles["duty-manager"] == "值班经理 Duty manager"
    assert rulebook.numbering.department_codes == {"customer-service": "CSR", "quality": "QA"}


def test_the_stages_in_their_order_with_their_settings(rulebook):
    names = ["completeness", "classification", "priority", "sla", "routing", "escalation"]

    assert [stage.name for stage in rulebook.stages] == names
    priority = rulebook.stages[2]
    assert (priority.hit, priority.default, priority.on_error) == (
        HitPolicy.MOST_SEVERE,
        {"priority": "P2"},
        {"priority": "P0"},
    )
    assert rulebook.stages[0].blocks == ()


def test_a_rulebook_cannot_be_changed(rulebook):
    with pytest.raises(TypeError):
        rulebook.lexicons["new"] = None
    with pytest.raises(TypeError):
        rulebook.vocabulary.fields["new"] = None
    with pytest.raises(TypeError):
        rulebook.stages[1].rules[0].then["category"] = "inquiry"


def test_an_empty_list_takes_away_what_the_kind_of_a_clock_has(load):
    text = "clocks: [{id: ttr, because: x, kind: resolution, pause_while: [], stop: [request.closed]}]"
    clock = load({"more.yaml": text}).rulebook.clocks["ttr"]
    assert (clock.kind, clock.pause_while, clock.stop) == ("resolution", (), ("request.closed",))
