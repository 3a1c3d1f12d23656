"""Calls that start, show, end and promote the trial of a candidate."""

from __future__ import annotations

import secrets

from answerby.domain.errors import FieldViolation, InvalidInput, NoCandidate, RevisionActive, RevisionNotFound
from answerby.rules.model.rulebook import Rulebook
from answerby.rules.text.diagnostics import did_you_mean
from answerby.server.base.services import Services
from answerby.server.live.activation import Order
from answerby.server.live.changes import Changes, Outcome
from answerby.server.live.rulebooks import RulebookHolder
from answerby.store.rulebooks.candidate_records import Candidate, Findings, Segment, StartOutcome
from answerby.store.rulebooks.revision_records import Action

MOST_NAMES = 100


class CandidateTrials:
    """Actions of people on candidates. The trials themselves run in every worker."""

    def __init__(self, services: Services, changes: Changes, rulebooks: RulebookHolder) -> None:
        self._store = services.store
        self._now = services.clock
        self._changes = changes
        self._rulebooks = rulebooks

    async def start(self, revision: str, segment: Segment, order: Order, *, operator: bool) -> Candidate:
        """Starts a trial. Raises RevisionNotFound, RevisionActive, and InvalidInput for a bad segment.

        Raises RevisionRefused for a revision that an approver refused, and ApprovalRequired for one that waits, unless
        an operator starts the trial: a trial decides the requests of all tenants.
        """
        check_segment(segment, self._rulebooks.status.rulebook)
        await self._changes.check_trial(revision, operator=operator)
        candidate = Candidate(
            token=secrets.token_hex(8),
            revision=revision,
            started=self._now(),
            actor=order.actor,
            reason=order.reason,
            segment=segment,
        )
        match await self._store.candidates.start(candidate):
            case StartOutcome.GONE:
                raise RevisionNotFound(f"no revision {revision} is kept; see ListRevisions", name=revision)
            case StartOutcome.ACTIVE:
                raise RevisionActive(f"{revision} decides already; there is nothing to try")
            case StartOutcome.OK:
                await self._changes.note(Action.TRY, order, revision)
        return candidate

    async def report(self, differences: int, tenant: str | None) -> tuple[Candidate | None, Findings]:
        """The candidate, and the findings of a tenant, or of all (None), with so many differences, of one moment."""
        return await self._store.candidates.report(differences, tenant)

    async def stop(self, order: Order) -> str:
        """Ends the trial. Returns the revision of its candidate; empty without a trial."""
        candidate = await self._store.candidates.current()
        if candidate is None:
            return ""
        await self._store.candidates.stop()
        await self._changes.note(Action.END_TRIAL, order, candidate.revision)
        return candidate.revision

    async def promote(self, order: Order) -> Outcome:
        """Puts the candidate live. Raises NoCandidate and the errors of Changes.activate."""
        candidate = await self._store.candidates.current()
        if candidate is None:
            raise NoCandidate
        outcome = await self._changes.activate(candidate.revision, order)
        await self._store.candidates.stop()
        return outcome


def check_segment(segment: Segment, active: Rulebook | None) -> None:
    """Raises InvalidInput. A segment uses the categories of the active rules."""
    wrong = []
    if not 0 < segment.percent <= 100:
        wrong.append(FieldViolation("segment.percent", "must be above 0 and at most 100"))
    for field, names in (("tenants", segment.tenants), ("categories", segment.categories)):
        if len(names) > MOST_NAMES or "" in names:
            wrong.append(FieldViolation(f"segment.{field}", f"at most {MOST_NAMES} names, none of them empty"))
    known = active.vocabulary.fields.get("category") if active is not None else None
    unknown = [name for name in segment.categories if known is not None and known.values and name not in known.values]
    if unknown and known is not None:
        message = f"the active rules have no category {unknown[0]}; {did_you_mean(unknown[0], known.values)}"
        wrong.append(FieldViolation("segment.categories", message))
    if wrong:
        raise InvalidInput(wrong)
