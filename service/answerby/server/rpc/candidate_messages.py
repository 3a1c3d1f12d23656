"""Candidates and their findings, as messages."""

from __future__ import annotations

from answerby.api.v1 import rulebook_service_pb2 as pb
from answerby.domain.event import Value
from answerby.server.rpc.values import set_instant
from answerby.store.rulebooks.candidate_records import Candidate, Change, DifferenceKept, Findings, Segment, Total

MOST_CHANGES = 200


def segment_of(message: pb.CandidateSegment) -> Segment:
    return Segment(list(message.tenants), list(message.categories), message.percent or 100.0)


def candidate_to(candidate: Candidate, ready: str, problem: str) -> pb.Candidate:
    """The message of a candidate. `ready` is the revision that this worker compares with."""
    segment = candidate.segment
    message = pb.Candidate(
        revision=candidate.revision,
        segment=pb.CandidateSegment(tenants=segment.tenants, categories=segment.categories, percent=segment.percent),
        actor=candidate.actor,
        reason=candidate.reason,
        ready=ready == candidate.revision,
        problem=problem,
    )
    set_instant(message.start_time, candidate.started)
    return message


def findings_to(findings: Findings) -> pb.CandidateFindings:
    totals = findings.totals
    changes = dict(findings.changes)
    if Total.OTHER in totals:
        changes[Change(Total.OTHER.value)] = totals[Total.OTHER]
    most = sorted(changes.items(), key=lambda item: (-item[1], item[0]))[:MOST_CHANGES]
    return pb.CandidateFindings(
        compared=totals.get(Total.COMPARED, 0),
        different=totals.get(Total.DIFFERENT, 0),
        failed=totals.get(Total.FAILED, 0),
        skipped=totals.get(Total.SKIPPED, 0),
        told_more=totals.get(Total.TOLD_MORE, 0),
        told_less=totals.get(Total.TOLD_LESS, 0),
        changes=[_counted(change, count) for change, count in most],
        differences=[_difference(kept) for kept in findings.differences],
    )


def _counted(change: Change, count: int) -> pb.CandidateChangeCount:
    message = pb.CandidateChange(name=change.name, before=change.before, after=change.after)
    return pb.CandidateChangeCount(change=message, count=count)


def _difference(kept: DifferenceKept) -> pb.CandidateDifference:
    message = pb.CandidateDifference(
        tenant=kept.tenant,
        request_id=kept.request_id,
        sequence=kept.sequence,
        event_type=kept.event_type,
        active_revision=kept.active,
        changes=[
            pb.CandidateChange(name=name, before=_text(before), after=_text(after))
            for name, before, after in kept.changed
        ],
        told_more=kept.told_more,
        told_less=kept.told_less,
    )
    set_instant(message.decide_time, kept.decided)
    return message


def _text(value: Value) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
