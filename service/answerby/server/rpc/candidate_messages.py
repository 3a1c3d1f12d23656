"""Candidates and what was found of them, as messages."""

from __future__ import annotations

from answerby.api.v1 import rulebook_service_pb2 as pb
from answerby.domain.event import Value
from answerby.server.rpc.values import set_instant
from answerby.store.rulebooks.candidate_records import Candidate, DifferenceKept, Findings, Segment

TOTALS = frozenset({"compared", "different", "failed", "skipped", "told|more", "told|less"})
MOST_CHANGES = 200


def segment_of(message: pb.CandidateSegment) -> Segment:
    return Segment(list(message.tenants), list(message.categories), message.percent or 100.0)


def candidate_to(candidate: Candidate, ready: str, problem: str) -> pb.Candidate:
    """`ready` is the revision that this worker compares with."""
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
    counts = findings.counts
    changes = sorted(
        ((name, count) for name, count in counts.items() if name not in TOTALS), key=lambda item: (-item[1], item[0])
    )
    return pb.CandidateFindings(
        compared=counts.get("compared", 0),
        different=counts.get("different", 0),
        failed=counts.get("failed", 0),
        skipped=counts.get("skipped", 0),
        told_more=counts.get("told|more", 0),
        told_less=counts.get("told|less", 0),
        changes=[_counted(name, count) for name, count in changes[:MOST_CHANGES]],
        differences=[_difference(kept) for kept in findings.differences],
    )


def _counted(name: str, count: int) -> pb.CandidateChangeCount:
    field, _, values = name.partition("|")
    before, _, after = values.partition("|")
    return pb.CandidateChangeCount(change=pb.CandidateChange(name=field, before=before, after=after), count=count)


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
