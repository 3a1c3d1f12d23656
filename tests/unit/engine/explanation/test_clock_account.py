"""What a due time is made of, and what would become of it. Figures are worked out by hand.

The office works Monday to Friday 09:00-18:00, Shanghai time. 2026-03-02 is a Monday.
"""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerby.domain.clock import ClockPhase, ClockState, Target
from answerby.domain.errors import InvalidInput
from answerby.engine.explanation.clock_account import clock_account, clock_accounts, statuses_of
from answerby.engine.explanation.clock_text import ClockWriter
from answerby.sla.ledger import Holder, Reason
from answerby.sla.zones import load_zone
from answerby.workbench.what_if import Supposed, outlook_text, what_if
from tests.kit.plays import Play, at, facts
from tests.kit.rulebooks import OFFICE, compiled, variant

SHANGHAI = load_zone("Asia/Shanghai")
CLOCKS = """
clocks:
  - {id: first_response, because: answer, calendar: office, stop: [request.replied], role: owner, ladder: usual}
  - {id: resolution, because: solve, calendar: office, stop: [request.completed], pause_while: [on_hold, blocked], role: owner}
"""
SLA = """
stage: sla
rules:
  - {id: fast, because: minutes count, rank: 1, when: {priority: P0}, then: {sla.first_response: {within: 15m, calendar: always}}}
  - {id: normal, because: usual, rank: 2, then: {sla.first_response: 4h}}
  - {id: solve-fast, because: VIPs first, rank: 1, when: {priority: [P1, P0]}, then: {sla.resolution: 8h}}
  - {id: solve, because: usual, rank: 2, then: {sla.resolution: 16h}}
"""


class Accounted(Play):
    """A request whose clocks are accounted for, and what would become of them."""

    def happens(self, kind, time, *, actor="agent", **options):
        return super().happens(kind, time, actor=actor, **options)

    def account(self, name, until):
        rulebook = self.rulebook.rulebook
        statuses = statuses_of(self.events, rulebook.replies)
        accounts = clock_accounts(rulebook, self.decisions, statuses, at(until))
        return next(account for account in accounts if account.clock.name == name)

    def supposing(self, now, time=None, event="request.updated", **given):
        asked = Supposed(facts(given), at(time or now), at(now), event)
        return what_if(self.rulebook, self.state, self.events, self.request.counts, asked)


@pytest.fixture(scope="module")
def rulebook():
    return compiled(variant(OFFICE, clocks=CLOCKS, sla=SLA))


@pytest.fixture
def desk(rulebook):
    """Received Friday 15:00, with a customer Monday 10:00-12:00, with a supplier Monday 13:00-14:00."""
    found = Accounted(rulebook, with_history=True)
    found.happens("received", "2026-02-27 15:00", actor="customer", text__body="hello")
    found.happens("on_hold", "2026-03-02 10:00")
    found.happens("resumed", "2026-03-02 12:00")
    found.happens("blocked", "2026-03-02 13:00")
    found.happens("unblocked", "2026-03-02 14:00")
    return found


def test_spans_add_up_and_tell_who_had_the_ball(desk):
    account = desk.account("resolution", "2026-03-02 16:00")
    # Friday 15-18, then closed until Monday 9, then 9-10, 12-13, 14-16.
    assert [(s.holder, s.seconds / 3600) for s in account.spans] == [
        (Holder.TEAM, 3),
        (Holder.CLOSED, 6),
        (Holder.CLOSED, 24),
        (Holder.CLOSED, 24),
        (Holder.CLOSED, 9),
        (Holder.TEAM, 1),
        (Holder.CUSTOMER, 2),
        (Holder.TEAM, 1),
        (Holder.SUPPLIER, 1),
        (Holder.TEAM, 2),
    ]
    assert account.spans[0].start == account.clock.started
    assert all(one.end == two.start for one, two in zip(account.spans, account.spans[1:], strict=False))
    assert (account.elapsed, account.counted) == (73 * 3600, 7 * 3600)
    # Of 73 h: 7 with the team, 2 with the customer, 1 with the supplier, 63 closed.
    assert {share.holder: share.percent for share in account.shares} == {
        Holder.TEAM: 9.59,
        Holder.CUSTOMER: 2.74,
        Holder.SUPPLIER: 1.37,
        Holder.CLOSED: 86.3,
    }


def test_each_day_until_the_due_time_and_why_days_are_skipped(desk):
    account = desk.account("resolution", "2026-03-02 16:00")
    # 16 h: 3 on Friday, 9 - 3 on Monday, 7 on Tuesday.
    assert account.clock.due == at("2026-03-03 16:00")
    assert [(day.date, day.counted / 3600, day.reason) for day in account.days] == [
        (date(2026, 2, 27), 3, Reason.WORKING),
        (date(2026, 2, 28), 0, Reason.FREE_DAY),
        (date(2026, 3, 1), 0, Reason.FREE_DAY),
        (date(2026, 3, 2), 6, Reason.WORKING),
        (date(2026, 3, 3), 7, Reason.WORKING),
    ]


def test_changes_name_rule_sequence_and_due_times(desk):
    desk.happens("updated", "2026-03-02 15:00", customer__tier="vip")
    changes = [(c.sequence, c.what, c.target, c.rule) for c in desk.account("resolution", "2026-03-02 16:00").changes]
    assert changes == [
        (1, "started", "16h", "solve"),
        (2, "paused", "16h", "solve"),
        (3, "resumed", "16h", "solve"),
        (4, "paused", "16h", "solve"),
        (5, "resumed", "16h", "solve"),
        (6, "retargeted", "8h", "solve-fast"),
    ]
    moved = desk.account("resolution", "2026-03-02 16:00").changes[-1]
    assert (moved.due_before, moved.due_after) == (at("2026-03-03 16:00"), at("2026-03-02 17:00"))


def test_a_pause_told_late_is_in_its_place(desk):
    desk.happens("on_hold", "2026-03-02 12:15", now="2026-03-02 15:30")
    desk.happens("resumed", "2026-03-02 12:45", now="2026-03-02 15:31")
    account = desk.account("resolution", "2026-03-02 16:00")
    assert sum(s.seconds for s in account.spans if s.holder is Holder.CUSTOMER) == 2.5 * 3600
    assert account.changes[-1].what == "corrected"


def test_the_story_in_words(desk):
    account = desk.account("resolution", "2026-03-02 16:00")
    english, chinese = ClockWriter("en", SHANGHAI).describe(account), ClockWriter("zh", SHANGHAI).describe(account)
    assert "resolution: running, due 2026-03-03 16:00 +0800; target 16h on office (solve)" in english
    assert "7h of working time counted in 73h." in english
    assert "2026-02-28  nothing: no hours on a Saturday" in english
    assert "team 9.59 % (7h), customer 2.74 % (2h), supplier 1.37 % (1h), closed 86.3 % (63h)" in english
    assert "时间归属：我方 9.59 % (7h)" in chinese
    assert "2026-02-28  不计：休息日（星期六）" in chinese


def test_time_around_the_clock_has_the_dates_of_the_rulebook(rulebook):
    desk = Accounted(rulebook, with_history=True)
    desk.happens("received", "2026-02-27 23:50", actor="customer", text__body="hello", override__priority="P0")
    account = desk.account("first_response", "2026-02-28 00:05")
    # Fifteen minutes from ten to midnight in Shanghai; in UTC they would lie on one date.
    assert [(day.date, day.counted) for day in account.days] == [
        (date(2026, 2, 27), 10 * 60),
        (date(2026, 2, 28), 5 * 60),
    ]
    text = ClockWriter("en", SHANGHAI).describe(account)
    assert "running, due 2026-02-28 00:05 +0800; target 15m on always (fast), counted from 2026-02-27 23:50" in text
    assert "  What counts until 2026-02-28 00:05 +0800:\n" in text


def test_in_another_zone_the_dates_are_still_those_of_the_calendar_and_say_so(desk):
    account = desk.account("resolution", "2026-03-02 16:00")
    berlin = load_zone("Europe/Berlin")
    english, chinese = ClockWriter("en", berlin).describe(account), ClockWriter("zh", berlin).describe(account)
    assert "  What counts until 2026-03-03 09:00 +0100, by the dates of Asia/Shanghai:\n" in english
    assert "  至 2026-03-03 09:00 +0100 计入的时间（按 Asia/Shanghai 的日期）：\n" in chinese
    assert "+0800" not in english


def test_what_if_it_became_p0_now(rulebook):
    desk = Accounted(rulebook, with_history=True)
    before = desk.happens("received", "2026-02-27 15:00", actor="customer", text__body="hello").state
    outlook = desk.supposing("2026-02-27 16:00", priority="P0")
    first, resolution = outlook.clocks
    assert (outlook.decision.facts["priority"], outlook.decision.sequence) == ("P0", 2)
    # 15 minutes around the clock from the receipt; 8 hours of work instead of 16.
    assert (first.before.due, first.after.clock.due) == (at("2026-03-02 10:00"), at("2026-02-27 15:15"))
    assert (resolution.before.due, resolution.after.clock.due) == (at("2026-03-03 13:00"), at("2026-03-02 14:00"))
    assert (first.breached_at_once, resolution.breached_at_once) == (True, False)
    text = outlook_text(outlook, "en", SHANGHAI)
    assert "over its due time at once: the target counts from 2026-02-27 15:00 +0800" in text
    assert "会立即超时" in outlook_text(outlook, "zh", SHANGHAI)
    assert desk.state is before


def test_what_if_in_the_future_lets_the_timers_before_it_fire(desk):
    # The ladder of first_response raises the priority at its due time, 2026-03-02 10:00 Monday.
    now = desk.supposing("2026-02-27 16:00")
    assert now.decision.facts["priority"] == "P2"
    later = desk.supposing("2026-03-02 14:30", "2026-03-02 17:00")
    assert later.decision.facts["priority"] == "P1"


def test_what_if_it_had_been_answered_earlier(desk):
    outlook = desk.supposing("2026-03-02 14:30", "2026-02-27 17:00", event="request.replied")
    first = outlook.clocks[0]
    assert (first.after.clock.phase, first.after.clock.breached) == ("stopped", False)
    assert any(flag.code == "RETROACTIVE" for flag in outlook.decision.flags)


def test_what_if_refuses_what_is_no_fact(desk):
    with pytest.raises(InvalidInput) as refused:
        desk.supposing("2026-03-02 14:30", priorty="P0")
    assert refused.value.violations[0].field == "facts.priorty"


@given(
    start=st.integers(0, 20_000),
    length=st.integers(1, 20_000),
    pauses=st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 3_000)), max_size=4),
)
def test_the_shares_are_always_a_whole(rulebook, start, length, pauses):
    started = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(minutes=start)
    until = started + timedelta(minutes=length)
    spans, free = [], started
    for offset, minutes in sorted(pauses):
        begin = started + timedelta(minutes=offset)
        if free <= begin and begin + timedelta(minutes=minutes) <= until:
            free = begin + timedelta(minutes=minutes)
            spans.append((begin, free))
    known = {"name": "c", "phase": ClockPhase.RUNNING, "target": Target(3600, calendar="office"), "started": started}
    account = clock_account(rulebook.rulebook, ClockState(**known, pauses=spans), [], until)
    assert sum(round(share.percent * 100) for share in account.shares) == 10_000
    assert sum(share.seconds for share in account.shares) == account.elapsed == length * 60
    assert account.counted == sum(s.seconds for s in account.spans if s.holder is Holder.TEAM)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Calendar office lists no days off of 2027: that time counts as if there were none."),
        ("zh", "日历 office 未列出 2027 年的节假日：该时间按没有节假日计。"),
    ],
)
def test_years_without_days_off_are_told(rulebook, language, words):
    desk = Accounted(rulebook, with_history=True)
    decision = desk.happens("received", "2026-12-31 17:00", actor="customer", text__body="hello")
    (flag,) = [flag for flag in decision.flags if flag.code == "CALENDAR_YEAR_MISSING"]
    assert flag.message == (
        "calendar office has no holidays for 2027; due times count none there. Add the years to the calendar's file"
    )
    account = desk.account("first_response", "2026-12-31 17:30")
    assert account.missing_years == (2027,)
    assert words in ClockWriter(language, SHANGHAI).describe(account)


def test_a_clock_within_known_years_has_none_missing(desk):
    account = desk.account("resolution", "2026-03-02 18:00")
    assert account.missing_years == ()
    assert "lists no days off" not in ClockWriter("en", SHANGHAI).describe(account)


def test_a_message_that_opens_a_closed_request_gives_the_next_wait_to_the_customer(desk):
    desk.happens("closed", "2026-03-02 15:00")
    desk.happens("customer_replied", "2026-03-02 16:00", actor="customer")
    desk.happens("on_hold", "2026-03-02 17:00")

    statuses = statuses_of(desk.events, desk.rulebook.rulebook.replies)
    assert [status.value for _, status in statuses[-3:]] == ["closed", "open", "on_hold"]
    assert desk.request.status.value == "on_hold"


RAISING_CLOCKS = """
clocks:
  - {id: first_response, because: answer, calendar: office, stop: [request.replied], ladder: climb}
  - {id: resolution, because: solve, calendar: office, stop: [request.completed]}
"""
RAISING_SLA = """
stage: sla
rules:
  - {id: answer, because: usual, then: {sla.first_response: 4h}}
  - {id: solve-fast, because: less, rank: 1, when: {priority: [P1, P0]}, then: {sla.resolution: 1bd}}
  - {id: solve, because: usual, rank: 2, then: {sla.resolution: 32h}}
"""
CLIMB = "ladders: [{id: climb, because: late, steps: [{at: 0m, raise_priority: true}]}]"


@pytest.fixture(scope="module")
def raised():
    """Received Monday 09:30, raised at 13:30 when the first answer is late."""
    desk = Accounted(compiled(variant(OFFICE, clocks=RAISING_CLOCKS, sla=RAISING_SLA, ladders=CLIMB)))
    desk.happens("received", "2026-03-02 09:30", actor="customer", text__body="hello")
    desk.waits(at("2026-03-02 17:00"))
    return desk


def test_after_a_raise_the_account_counts_from_the_raise(raised):
    account = raised.account("resolution", "2026-03-02 17:00")
    # 4 hours from 09:30 end at 13:30; one working date later it is Tuesday 13:30.
    assert (account.clock.due, account.counts_from) == (at("2026-03-03 13:30"), at("2026-03-02 13:30"))
    assert (account.elapsed, account.counted, account.towards_target) == (7.5 * 3600, 7.5 * 3600, 3.5 * 3600)
    # Monday 13:30-18:00 and Tuesday 09:00-13:30.
    assert [(day.date.isoformat(), day.counted / 3600) for day in account.days] == [
        ("2026-03-02", 4.5),
        ("2026-03-03", 4.5),
    ]

    text, chinese = (ClockWriter(language, SHANGHAI).describe(account) for language in ("en", "zh"))
    assert "target 1bd on office (solve-fast), counted from 2026-03-02 13:30 +0800\n" in text
    assert "and the target counts from there. It began 2026-03-02 09:30 +0800.\n" in text
    assert "  7h 30m of working time counted in 7h 30m; 3h 30m of it since the raise.\n" in text
    assert "Working time until 2026-03-03 13:30 +0800; the target counts working dates, not hours:" in text
    assert "自 2026-03-02 13:30 +0800 起算\n" in chinese
    assert "时钟自 2026-03-02 09:30 +0800 起计时" in chinese


def test_a_clock_that_was_not_raised_counts_from_its_start(raised):
    account = raised.account("first_response", "2026-03-02 17:00")
    text = ClockWriter("en", SHANGHAI).describe(account)
    assert account.towards_target == account.counted
    assert "counted from 2026-03-02 09:30 +0800\n" in text
    assert "raise" not in text


def test_at_its_very_start_an_account_tells_no_time(raised):
    account = raised.account("resolution", "2026-03-02 09:30")
    assert "0m of working time" not in ClockWriter("en", SHANGHAI).describe(account)
