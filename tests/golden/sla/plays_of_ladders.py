"""Plays about ladders: quiet hours, acknowledgement, what is told once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from answerby.domain.event import ActorRole
from tests.golden.sla.plays_of_clocks import PRIORITY_AS_ASKED, at, clock
from tests.kit.plays import Play
from tests.kit.sections import compiled, targets

Case = Mapping[str, Any]
Calendars = Mapping[str, Any]
CUSTOMER = ActorRole.CUSTOMER
LONDON = ZoneInfo("Europe/London")


def climbing(*steps: Mapping[str, object], office: Mapping[str, object] | None = None, **keys: object) -> Play:
    """A desk whose one clock has a target of two hours around the clock and climbs these steps."""
    ladder = {"id": "l", "because": "case", "steps": [dict(step) for step in steps], **keys}
    sections = {
        "clocks": [clock("ttr", kind="resolution", ladder="l")],
        "ladders": [ladder],
        "calendars": {"office": dict(office)} if office else {},
    }
    return Play(
        compiled(sections, PRIORITY_AS_ASKED, targets(({"priority": "P1"}, {"ttr": "3h"}), ({}, {"ttr": "2h"})))
    )


def tell(moment: str, role: str = "clerk", **keys: object) -> dict[str, object]:
    return {"at": moment, "notify": {"role": role, "template": "late", **keys}}


def told(desk: Play) -> list[tuple[datetime, str]]:
    return [(moment, effect.role) for moment, effect in desk.notices()]


def onc_40(case: Case, calendars: Calendars) -> dict[str, object]:
    """Due at 06:00, outside the window from 09:00 to 18:00. The state goes through its stored form on the way."""
    from answerby.store.codec import decode_state, encode_state

    office = {"timezone": "UTC", "weekly": {"mon-sun": ["09:00-18:00"]}}
    quiet = {"calendar": "office", "then": "next_opening"}
    desk = climbing(tell("0m"), tell("+4h", "chief"), office=office, quiet_hours=quiet)
    desk.see("received", datetime(2025, 3, 4, 4, tzinfo=UTC), CUSTOMER)
    desk.waits(datetime(2025, 3, 4, 7, tzinfo=UTC))
    assert told(desk) == []
    assert desk.state is not None
    survivor = Play(desk.rulebook)
    survivor.state = decode_state(encode_state(desk.state, desk.state.version), None)
    survivor.waits(datetime(2025, 3, 4, 17, tzinfo=UTC))
    assert [role for _, role in told(survivor)] == ["clerk", "chief"], "and then it goes on"
    resumed = told(survivor)[0][0]
    return {"resumes_at": f"{resumed:%H:%M}", "survives_restart": True}


def onc_41(case: Case, calendars: Calendars) -> dict[str, object]:
    """The first and the last minute that are not quiet, in summer time and after it ended on 26 October 2025."""
    office = {"timezone": "Europe/London", "weekly": {"mon-sun": ["08:30-17:30"]}}
    windows = set()
    for day in (datetime(2025, 10, 24, tzinfo=LONDON), datetime(2025, 10, 28, tzinfo=LONDON)):
        sent = []
        for minute in range(0, 24 * 60, 15):
            desk = climbing(tell("0m"), office=office, quiet_hours={"calendar": "office", "then": "next_opening"})
            due = (day + timedelta(minutes=minute)).astimezone(UTC)
            desk.see("received", due - timedelta(hours=2), CUSTOMER)
            desk.waits(due)
            if told(desk):
                sent.append(due.astimezone(LONDON))
        assert all(later - earlier == timedelta(minutes=15) for earlier, later in pairwise(sent))
        windows.add(f"{sent[0]:%H:%M}-{sent[-1] + timedelta(minutes=15):%H:%M}")
    assert len(windows) == 1, windows
    return {"local_window": windows.pop()}


def onc_43(case: Case, calendars: Calendars) -> dict[str, object]:
    repeat = {"repeat": {"every": "10m", "at_most": 5}}
    desk = climbing(
        {**tell("0m", until_acknowledged=True), **repeat},
        tell("+30m", "chief"),
        tell("+1h", "guard"),
        on_acknowledgement="stop_chain",
    )
    desk.see("received", at(), CUSTOMER)
    desk.waits(at(hours=2, minutes=15))
    assert [role for _, role in told(desk)] == ["clerk", "clerk"]
    desk.see("acknowledged", at(hours=2, minutes=16))
    before = len(told(desk))
    desk.waits(at(hours=12))
    return {"notifications_after_ack": len(told(desk)) - before}


def pgd_40(case: Case, calendars: Calendars) -> dict[str, object]:
    desk = climbing(
        tell("0m", until_acknowledged=True),
        tell("+30m", "chief"),
        on_acknowledgement="stop_chain",
        acknowledgement_lasts="1h",
    )
    desk.see("received", at(), CUSTOMER)
    desk.waits(at(hours=2))
    desk.see("acknowledged", at(hours=2, minutes=10))
    before = len(told(desk))
    desk.waits(at(hours=3, minutes=9))
    assert len(told(desk)) == before, "quiet until the acknowledgement lapses"
    desk.waits(at(hours=3, minutes=40))
    again = told(desk)[before:]
    lapsed = at(hours=3, minutes=10)
    assert again == [(lapsed, "acknowledger"), (lapsed, "clerk"), (lapsed + timedelta(minutes=30), "chief")]
    return {"retrigger": True}


def zam_40(case: Case, calendars: Calendars) -> dict[str, object]:
    """A week of requests at every hour, each climbing three steps; urgent notices are the only ones at night."""
    office = {"timezone": "Europe/Berlin", "weekly": {"mon-fri": ["09:00-17:00"]}}
    berlin = ZoneInfo("Europe/Berlin")
    outside, all_of_them, urgent = 0, 0, 0
    for then in ("next_opening", "digest"):
        for hour in range(0, 24 * 7, 5):
            desk = climbing(
                tell("50%"),
                tell("0m"),
                tell("+5h", "chief"),
                tell("+6h", "guard", urgent=True),
                office=office,
                quiet_hours={"calendar": "office", "then": then},
            )
            start = datetime(2025, 3, 3, tzinfo=UTC) + timedelta(hours=hour)
            desk.see("received", start, CUSTOMER)
            desk.waits(start + timedelta(days=5))
            for moment, role in told(desk):
                local = moment.astimezone(berlin)
                inside = local.weekday() < 5 and 9 <= local.hour < 17
                urgent += role == "guard"
                outside += role != "guard" and not inside
                all_of_them += 1
    assert urgent == 2 * len(range(0, 24 * 7, 5)), "an urgent notice is never held back"
    assert all_of_them > urgent
    return {"outside_hours_notifications": outside}


def zam_41(case: Case, calendars: Calendars) -> dict[str, object]:
    """One level tells once for each due time of a cycle; after the value changed, a reminder of the same day is new."""
    desk = climbing(tell("0m"), tell("+1h", "chief"))
    desk.see("received", at(), CUSTOMER)
    desk.waits(at(hours=2, minutes=30))
    desk.see("updated", at(hours=2, minutes=31))
    assert told(desk) == [(at(hours=2), "clerk")], "the same level does not tell twice of the same due time"
    desk.see("updated", at(hours=2, minutes=32), facts={"priority.asked": "P1"})
    desk.waits(at(hours=4))
    assert told(desk)[1:] == [(at(hours=3), "clerk"), (at(hours=4), "chief")], "of the new one it does"
    ids = {timer.id for timer in desk.state.timers.values()} if desk.state is not None else set()
    assert ids == {"ttr/1/0/0", "ttr/1/1/0"}
    return {"dedup_key": ["request", "clock", "cycle", "level"]}


PLAYS: Mapping[str, Callable[[Case, Calendars], Any]] = {
    "ONC-40": onc_40,
    "ONC-41": onc_41,
    "ONC-43": onc_43,
    "PGD-40": pgd_40,
    "ZAM-40": zam_40,
    "ZAM-41": zam_41,
}
