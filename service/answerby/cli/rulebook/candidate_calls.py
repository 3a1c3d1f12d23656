"""Calls of `answerby rulebook try, trial, stop, promote` to a server, and their answers as text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import NamedTuple

from answerby.api.v1 import rulebook_service_pb2 as pb
from answerby.cli.client import Server
from answerby.cli.decision_tables import print_json, show_time
from answerby.cli.rulebook.calls import CHANGE_SECONDS, connected, followed
from answerby.cli.shown_zone import ShownZone
from answerby.server.rpc.values import instant_of


class Segment(NamedTuple):
    """On which events a revision is tried; an empty list means all."""

    tenants: list[str]
    categories: list[str]
    percent: float


def start(server: Server, revision: str, segment: Segment, reason: str, *, as_json: bool) -> None:
    wanted = pb.CandidateSegment(tenants=segment.tenants, categories=segment.categories, percent=segment.percent)
    request = pb.StartCandidateRequest(revision=revision, segment=wanted, reason=reason)
    with connected(server) as client:
        reply = client.ask("StartCandidate", request)
    assert isinstance(reply, pb.StartCandidateResponse)
    if as_json:
        print_json(reply)
    else:
        print(f"{revision} is on trial with {described(reply.candidate.segment)}; see `answerby rulebook trial`")


def show(server: Server, limit: int, zone: ShownZone, *, as_json: bool) -> None:
    with connected(server) as client:
        reply = client.ask("GetCandidate", pb.GetCandidateRequest(differences=min(limit, 500)))
    assert isinstance(reply, pb.GetCandidateResponse)
    if as_json:
        print_json(reply)
        return
    for line in lines(reply, limit, zone.get()):
        print(line)


def stop(server: Server, reason: str, *, as_json: bool) -> None:
    with connected(server) as client:
        reply = client.ask("StopCandidate", pb.StopCandidateRequest(reason=reason))
    assert isinstance(reply, pb.StopCandidateResponse)
    if as_json:
        print_json(reply)
    else:
        print(f"the trial of {reply.revision} is over" if reply.revision else "nothing was on trial")


def promote(server: Server, reason: str, etag: str, *, as_json: bool) -> None:
    with connected(server) as client:
        reply = client.ask("PromoteCandidate", pb.PromoteCandidateRequest(reason=reason, etag=etag), CHANGE_SECONDS)
    assert isinstance(reply, pb.PromoteCandidateResponse)
    if as_json:
        print_json(reply)
    else:
        print(f"{reply.rulebook.revision} is live{'' if reply.changed else ' already'}{followed(reply.rulebook)}")


def lines(reply: pb.GetCandidateResponse, limit: int, zone: tzinfo) -> Iterator[str]:
    """The trial as text: the totals, the number of changes of each kind, and the latest examples."""
    if reply.HasField("candidate"):
        candidate = reply.candidate
        why = f": {candidate.reason}" if candidate.reason else ""
        yield f"on trial   {candidate.revision}, {described(candidate.segment)}"
        yield f"since      {show_time(instant_of(candidate.start_time), zone)}, by {candidate.actor}{why}"
        if not candidate.ready:
            yield f"not ready  {candidate.problem or 'it is being made ready'}"
    else:
        yield "nothing is on trial; what follows was found by the last trial"
    found = reply.findings
    share = f" ({found.different / found.compared:.1%})" if found.compared else ""
    yield f"compared   {found.compared} decisions, {found.different} differ{share}"
    if found.failed or found.skipped:
        yield f"left out   {found.failed} that it could not decide, {found.skipped} for want of time"
    if found.told_more or found.told_less:
        yield f"effects    more on {found.told_more} decisions, fewer on {found.told_less}"
    for counted in found.changes[:limit]:
        yield f"  {counted.count:>7}  {changed(counted.change, zone)}"
    if found.different and not found.differences:
        yield "which requests, and what of them: for a token of their tenant with the role operator"
    for difference in list(found.differences)[:limit]:
        when = show_time(instant_of(difference.decide_time), zone)
        what = "; ".join(changed(change, zone) for change in difference.changes) or "effects only"
        yield f"{when}  {difference.request_id}/{difference.sequence} {difference.event_type}: {what}"


def described(segment: pb.CandidateSegment) -> str:
    """Such as `25 % of the requests, category complaint`."""
    parts = [f"{segment.percent:g} % of the requests" if segment.percent < 100 else "all requests"]
    if segment.categories:
        parts.append(f"category {', '.join(segment.categories)}")
    if segment.tenants:
        parts.append(f"tenant {', '.join(segment.tenants)}")
    return ", ".join(parts)


def changed(change: pb.CandidateChange, zone: tzinfo) -> str:
    """Such as `priority P2 -> P1`. Values that are not counted one by one are left out."""
    if not change.before and not change.after:
        return change.name
    before, after = (_value(change.name, value, zone) or "-" for value in (change.before, change.after))
    return f"{change.name} {before} -> {after}"


def _value(name: str, value: str, zone: tzinfo) -> str:
    """A value as people read it: due times in the zone."""
    return show_time(datetime.fromisoformat(value), zone) if value and name.startswith("due.") else value
