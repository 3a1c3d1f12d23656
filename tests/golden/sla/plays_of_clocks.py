"""Plays about clocks: re-targeting, pauses, reopening, exchanges, due times by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from answerby.domain.clock import ClockPhase
from answerby.domain.event import ActorRole
from answerby.sla.ledger import days
from tests.kit.plays import Play
from tests.kit.sections import compiled, targets

Case = Mapping[str, Any]
Calendars = Mapping[str, Any]
CUSTOMER = ActorRole.CUSTOMER
T = datetime(2025, 3, 3, 12, 0, tzinfo=UTC)
"""A Monday noon; every hour counts unless a play says otherwise."""


def at(**after: float) -> datetime:
    return T + timedelta(**after)


def clock(name: str, **keys: object) -> dict[str, object]:
    return {"id": name, "because": "case", **keys}


def ladder(name: str, *moments: str, **keys: object) -> dict[str, object]:
    steps = [{"at": moment, "notify": {"role": "clerk", "template": "late"}} for moment in moments]
    return {"id": name, "because": "case", "steps": steps, **keys}


PRIORITY_AS_ASKED = {
    "stage": "priority",
    "rules": [
        {"id": f"as-asked-{p}", "because": "case", "when": {"priority.asked": p}, "then": {"priority": p}}
        for p in ("P0", "P1", "P2", "P3")
    ],
}


def zam_10(case: Case, calendars: Calendars) -> dict[str, object]:
    kinds = {"first_response": "first_response", "update": "next_reply", "solution": "resolution"}
    clocks = [clock(name, kind=kind, calendar="c") for name, kind in kinds.items()]
    goals = targets(({"priority": "P2"}, {"first_response": "1h", "update": "3h", "solution": "4h"}))
    book = compiled({"clocks": clocks, "calendars": {"c": calendars["berlin_mon_fri_09_17"]}}, PRIORITY_AS_ASKED, goals)
    desk = Play(book)
    created = datetime.fromisoformat(case["given"]["created"])
    desk.see("received", created, CUSTOMER)
    before = {f"{name}_due": _text(desk.due(name)) for name in ("first_response", "solution")}
    assert before == case["given"]["before"]
    desk.see("updated", created + timedelta(minutes=5), facts={"priority.asked": "P3"})
    found: dict[str, object] = {f"{name}_due": _text(desk.due(name)) for name in kinds}
    waiting = [timer for name in kinds for timer in desk.timers(name)]
    return {**found, "next_escalation": waiting[0].due if waiting else None}


def zam_11(case: Case, calendars: Calendars) -> dict[str, object]:
    def book(first: str) -> Any:
        kinds = {"first_response": "first_response", "update": "next_reply", "solution": "resolution"}
        live = {"on_rule_change": "migrate"}
        clocks = [clock(name, kind=kind, calendar="c", **live) for name, kind in kinds.items()]
        sections = {"clocks": clocks, "calendars": {"c": calendars[case["given"]["calendar"]]}}
        return compiled(sections, targets(({}, {"first_response": first, "update": "3h", "solution": "4h"})))

    desk = Play(book("60m"))
    created = datetime.fromisoformat(case["given"]["created"])
    desk.see("received", created, CUSTOMER)
    before = desk.due("first_response")
    desk.rulebook = book("120m")
    desk.see("rulebook.activated", created + timedelta(minutes=1), ActorRole.SYSTEM)
    return {
        "before": _text(before),
        "after": _text(desk.due("first_response")),
        "update_due": _text(desk.due("update")),
        "solution_due": _text(desk.due("solution")),
    }


def glp_27(case: Case, calendars: Calendars) -> dict[str, object]:
    """As GLP-26: ten minutes on hold, then a target of six hours instead of four."""
    goals = targets(({"priority": "P0"}, {"ttr": "6h"}), ({}, {"ttr": "4h"}))
    sections = {"clocks": [clock("ttr", kind="resolution", calendar="c")], "calendars": {"c": calendars["glpi_08_19"]}}
    desk = Play(compiled(sections, PRIORITY_AS_ASKED, goals))
    created = datetime(2034, 8, 16, 13, tzinfo=UTC)
    desk.see("received", created, CUSTOMER)
    desk.see("on_hold", created)
    desk.see("resumed", created + timedelta(minutes=10))
    assert desk.due("ttr") == datetime(2034, 8, 16, 17, 10, tzinfo=UTC)
    desk.see("updated", created + timedelta(minutes=20), facts={"priority.asked": "P0"})
    return {"pause_carried_over": desk.due("ttr") == datetime(2034, 8, 17, 8, 10, tzinfo=UTC)}


def glp_29(case: Case, calendars: Calendars) -> dict[str, object]:
    own = {"stop": ["request.replied"]}
    at_assignment = {"start": ["request.assigned"]}
    clocks = [
        clock("sla_own", **own, ladder="own"),
        clock("sla_resolve", kind="resolution", ladder="resolve"),
        clock("ola_own", **own, **at_assignment, ladder="ola-own"),
        clock("ola_resolve", kind="ownership", ladder="ola-resolve"),
    ]
    ladders = [
        ladder("own", "-15m"),
        ladder("resolve", "-30m"),
        ladder("ola-own", "-45m"),
        ladder("ola-resolve", "-1h"),
    ]
    goals = targets(({}, {"sla_own": "4h", "sla_resolve": "12h", "ola_own": "2h", "ola_resolve": "8h"}))
    desk = Play(compiled({"clocks": clocks, "ladders": ladders}, goals))
    desk.see("received", at(hours=-1), CUSTOMER)
    desk.see("assigned", T)
    names = {
        "sla_own": "sla_own",
        "sla_resolve": "sla_resolve",
        "ola_own": "ola_own",
        "ola_resolve": "ola_resolve@desk",
    }
    found: dict[str, object] = {name: _after(desk.due(full)) for name, full in names.items()}
    return {**found, "warn": {name: _after(desk.timers(full)[0].due) for name, full in names.items()}}


def glp_30(case: Case, calendars: Calendars) -> dict[str, object]:
    desk = Play(compiled({"clocks": [clock("ttr", kind="resolution")]}, targets(({}, {"ttr": "4h"}))))
    desk.see("received", T, CUSTOMER)
    before = desk.due("ttr")
    desk.see("updated", at(hours=1), facts={"request.created": at(hours=-5).isoformat()})
    return {"due_changed": desk.due("ttr") != before}


def rt_20(case: Case, calendars: Calendars) -> dict[str, object]:
    desk = Play(compiled({"clocks": [clock("response", kind="next_reply")]}, targets(({}, {"response": "2h"}))))
    desk.see("received", T, CUSTOMER)
    desk.see("replied", at(hours=1))
    assert desk.clock("response").phase is ClockPhase.STOPPED
    desk.see("customer_replied", at(hours=2), CUSTOMER)
    first = desk.due("response")
    assert first == at(hours=4)
    desk.see("customer_replied", at(hours=3), CUSTOMER)
    return {"second_customer_reply_moves_due": desk.due("response") != first}


def rt_21(case: Case, calendars: Calendars) -> dict[str, object]:
    clocks = [clock("response", kind="next_reply"), clock("loop", kind="periodic_update")]
    desk = Play(compiled({"clocks": clocks}, targets(({}, {"response": "2h", "loop": "4h"}))))
    desk.see("received", T, CUSTOMER)
    desk.see("replied", at(hours=1))
    after_staff = _next_due(desk) - at(hours=1)
    desk.see("customer_replied", at(hours=2), CUSTOMER)
    after_customer = _next_due(desk) - at(hours=2)
    return {"after_staff_reply": _hours(after_staff), "after_customer_reply": _hours(after_customer)}


def rt_22(case: Case, calendars: Calendars) -> dict[str, object]:
    goals = targets(({"requester": "customer"}, {"response": "2h"}))
    due: list[datetime | None] = []
    for requester in ("owner", "nobody", "customer"):
        desk = Play(compiled({"clocks": [clock("response", kind="next_reply")]}, goals))
        desk.see("received", T, CUSTOMER, {"requester": requester})
        due.append(desk.due("response"))
    assert due[:2] == [None, None]
    assert due[2] == at(hours=2)
    return {"response_due": due[0]}


def rt_23(case: Case, calendars: Calendars) -> dict[str, object]:
    found = {}
    for paused_time in ("counted", "excluded"):
        sections = {"clocks": [clock("ttr", kind="resolution", paused_time=paused_time)]}
        desk = Play(compiled(sections, targets(({}, {"ttr": "4h"}))))
        desk.see("received", T, CUSTOMER)
        desk.see("on_hold", at(hours=1))
        assert desk.due("ttr") is None
        desk.see("resumed", at(hours=2))
        moved = desk.clock("ttr").due - at(hours=4)  # type: ignore[operator]
        found[paused_time] = {timedelta(): "due unchanged", timedelta(hours=1): "due + stalled time"}[moved]
    return {"ignore_only": found["counted"], "exclude_time": found["excluded"]}


def snw_21(case: Case, calendars: Calendars) -> dict[str, object]:
    """All conditions come true at one event; taking away the one that acted shows which comes next."""
    occasions = ["stop", "reset", "cancel", "pause", "resume"]
    acts = {
        "stop": lambda c: c.phase is ClockPhase.STOPPED,
        "reset": lambda c: c.phase is ClockPhase.RUNNING and c.cycle == 2,
        "cancel": lambda c: c.phase is ClockPhase.CANCELLED,
        "pause": lambda c: c.phase is ClockPhase.PAUSED,
        "resume": lambda c: c.phase is ClockPhase.RUNNING and c.cycle == 1,
    }
    order = []
    left = list(occasions)
    while left:
        keys = {key: ["request.updated"] for key in left}
        if "resume" in left and "pause" not in left:
            keys["pause"] = ["request.on_hold"]
        if "pause" in left and "resume" in left and len(left) == 2:
            # A pause that is resumed by the same event ends with it: resume comes after pause.
            keys["resume"] = ["request.resumed"]
        desk = Play(compiled({"clocks": [clock("c", **keys)]}, targets(({}, {"c": "4h"}))))
        desk.see("received", T, CUSTOMER)
        if left == ["resume"]:
            desk.see("on_hold", at(minutes=30))
            assert desk.clock("c").phase is ClockPhase.PAUSED
        desk.see("updated", at(hours=1))
        acted = next(name for name in left if acts[name](desk.clock("c")))
        order.append(acted)
        left.remove(acted)
    standing = {"start": [{"when": {"priority": "P1"}}]}
    sections = {"clocks": [clock("c", **standing)]}
    desk = Play(compiled(sections, PRIORITY_AS_ASKED, targets(({}, {"c": "4h"}))))
    desk.see("received", T, CUSTOMER, {"priority.asked": "P1"})
    desk.see("updated", at(hours=1), facts={"priority.asked": "P2"})
    assert desk.clock("c").phase is ClockPhase.CANCELLED, "start false cancels"
    return {"order": order}


def jsm_20(case: Case, calendars: Calendars) -> dict[str, object]:
    def book(within: str) -> Any:
        live = clock("ttr", kind="resolution", on_rule_change="migrate")
        return compiled({"clocks": [live]}, targets(({}, {"ttr": within})))

    given = case["given"]
    assert given["used"] == "PT2H30M"
    desk = Play(book(given["goal_at_completion"]))
    desk.see("received", T, CUSTOMER)
    desk.see("completed", at(hours=2.5))
    desk.rulebook = book(given["goal_now"])
    desk.see("rulebook.activated", at(hours=3), ActorRole.SYSTEM, {"rulebook.migrate": True})
    what_if = Play(book(given["goal_now"]))
    what_if.see("received", T, CUSTOMER)
    what_if.see("completed", at(hours=2.5))
    return {"outcome": _outcome(desk), "what_if_outcome": _outcome(what_if)}


def sfc_21(case: Case, calendars: Calendars) -> dict[str, object]:
    found = {}
    for recurrence in ("independent", "sequential"):
        keys = {"start": ["request.accepted", "request.progress_reported"], "stop": ["request.progress_reported"]}
        desk = Play(compiled({"clocks": [clock("m", recurrence=recurrence, **keys)]}, targets(({}, {"m": "1h"}))))
        desk.see("received", T, CUSTOMER)
        desk.see("accepted", T)
        assert desk.due("m") == at(hours=1)
        desk.see("progress_reported", at(minutes=30))
        found[f"{recurrence}_target"] = f"{desk.due('m'):%H:%M}"
    return found


def fdk_20(case: Case, calendars: Calendars) -> dict[str, object]:
    goals = targets(({"priority": "P0"}, {"ttr": "1h"}), ({}, {"ttr": "8h"}))
    desk = Play(compiled({"clocks": [clock("ttr", kind="resolution")]}, PRIORITY_AS_ASKED, goals))
    desk.see("received", T, CUSTOMER)
    by_hand = at(hours=5)
    desk.see("updated", at(minutes=10), facts={"due.ttr": by_hand.isoformat()})
    assert (desk.due("ttr"), desk.clock("ttr").manual) == (by_hand, True)
    desk.see("updated", at(minutes=20), facts={"priority.asked": "P0"})
    changed = desk.due("ttr") != by_hand
    desk.see("updated", at(minutes=30), facts={"due.ttr": None})
    assert (desk.due("ttr"), desk.clock("ttr").manual) == (at(hours=1), False), "taking it back returns to the rule"
    return {"due_changed": changed}


def zdk_21(case: Case, calendars: Calendars) -> dict[str, object]:
    """What the file says: `keep` reaches new requests only, `migrate` the running ones by the activation itself."""
    moved = {}
    for policy in ("keep", "migrate"):

        def book(within: str, policy: str = policy) -> Any:
            live = clock("ttr", kind="resolution", on_rule_change=policy)
            return compiled({"clocks": [live]}, targets(({}, {"ttr": within})))

        desk = Play(book("4h"))
        desk.see("received", T, CUSTOMER)
        desk.rulebook = book("2h")
        desk.see("rulebook.activated", at(minutes=1), ActorRole.SYSTEM)
        moved[policy] = desk.due("ttr") == at(hours=2)
        fresh = Play(book("2h"))
        fresh.see("received", T, CUSTOMER)
        assert fresh.due("ttr") == at(hours=2)
    assert moved == {"keep": False, "migrate": True}
    return {"policy": "live | new_only, stated in the rule file"}


def zam_16(case: Case, calendars: Calendars) -> dict[str, object]:
    given = case["given"]
    assert given["calendar"].startswith("daily 09:00-21:00")
    spec = {
        "timezone": "Europe/Berlin",
        "weekly": {"mon-sun": ["09:00-21:00"]},
        "holidays": {"2016-11-11": "St. Martin", "2016-11-13": "Volkstrauertag"},
    }
    sections = {"clocks": [clock("ttr", kind="resolution", calendar="c")], "calendars": {"c": spec}}
    desk = Play(compiled(sections, targets(({}, {"ttr": f"{given['amount'][2:-1]}h"}))))
    start = datetime.fromisoformat(given["start"].replace(" local", "")).replace(tzinfo=ZoneInfo("Europe/Berlin"))
    desk.see("received", start, CUSTOMER)
    due = desk.due("ttr")
    assert due is not None
    trace = days(desk.rulebook.rulebook.calendars["c"], desk.clock("ttr"), due)
    skipped = [(day.date.day, day.note) for day in trace if not day.counted and day.date != start.date()]
    assert skipped == [(11, "St. Martin"), (13, "Volkstrauertag")], "the trace lists each skipped day and why"
    later = (due.astimezone(start.tzinfo).date() - start.date()).days
    expected = later - len(skipped)
    said = (
        f"due {later} calendar days later; the user expected {expected}. The trace must list each skipped day and why"
    )
    return {"explain": said}


def _outcome(desk: Play) -> str:
    ended = desk.clock("ttr")
    assert ended.phase is ClockPhase.STOPPED
    return "breached" if ended.breached else "met"


def _next_due(desk: Play) -> datetime:
    assert desk.state is not None
    running = [c.due for c in desk.state.clocks.values() if c.phase is ClockPhase.RUNNING and c.due is not None]
    return min(running)


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def _after(instant: datetime | None) -> str:
    """Hours and minutes after T, as the case writes them."""
    assert instant is not None
    hours, minutes = divmod(int((instant - T).total_seconds()) // 60, 60)
    return f"T+{hours}h{minutes}m" if minutes else f"T+{hours}h"


def _hours(span: timedelta) -> str:
    return f"PT{int(span.total_seconds()) // 3600}H"


PLAYS: Mapping[str, Callable[[Case, Calendars], Any]] = {
    "ZAM-10": zam_10,
    "ZAM-16": zam_16,
    "ZAM-11": zam_11,
    "GLP-27": glp_27,
    "GLP-29": glp_29,
    "GLP-30": glp_30,
    "RT-20": rt_20,
    "RT-21": rt_21,
    "RT-22": rt_22,
    "RT-23": rt_23,
    "SNW-21": snw_21,
    "JSM-20": jsm_20,
    "SFC-21": sfc_21,
    "FDK-20": fdk_20,
    "ZDK-21": zdk_21,
}
