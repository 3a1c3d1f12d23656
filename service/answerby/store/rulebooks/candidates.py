"""The candidate: the revision on trial, its segment of events, and the findings of all workers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from answerby.store import keys
from answerby.store.connection import Connection
from answerby.store.rulebooks.candidate_records import (
    Candidate,
    Change,
    Counted,
    DifferenceKept,
    Findings,
    StartOutcome,
    Total,
)
from answerby.store.unreadable import Place, RecordKind, Undecodable, Unreadables, decoded

DIFFERENCES_KEPT = 500
COUNTS_KEPT = 2_000
"""The number of distinct counts. Further counts fall under Total.OTHER."""

_encode = msgspec.json.Encoder().encode
_candidate = msgspec.json.Decoder(Candidate)
_change = msgspec.json.Decoder(Change)
_difference = msgspec.json.Decoder(DifferenceKept)


class Candidates:
    """The store of at most one candidate. All methods raise StoreUnavailable when the server does not answer."""

    def __init__(self, connection: Connection, unreadable: Unreadables) -> None:
        self._connection = connection
        self._unreadable = unreadable

    async def current(self) -> Candidate | None:
        """The candidate on trial. One that cannot be read goes to the dead list, and its trial ends."""
        raw = await self._connection.execute("GET", keys.RULEBOOK_CANDIDATE)
        return None if raw is None else await self._read(raw)

    async def start(self, candidate: Candidate) -> StartOutcome:
        """Starts a trial. The findings of an earlier trial are deleted."""
        reply = await self._connection.call(
            "rulebooks/candidate_start",
            [
                keys.RULEBOOK_CANDIDATE,
                keys.RULEBOOK_REVISIONS,
                keys.RULEBOOK_ACTIVE,
                keys.RULEBOOK_CANDIDATE_COUNTS,
                keys.RULEBOOK_CANDIDATE_DIFFERENCES,
            ],
            [candidate.revision, _encode(candidate)],
        )
        return StartOutcome(reply.decode())

    async def stop(self) -> None:
        """Stops the trial. The findings stay until the next trial starts."""
        await self._connection.execute("DEL", keys.RULEBOOK_CANDIDATE)

    async def add(
        self, token: str, counts: Mapping[Counted, int], differences: Sequence[DifferenceKept], tenant: str = ""
    ) -> bool:
        """Adds the findings of a worker on the requests of a tenant. False when this trial is over."""
        pairs = [
            part
            for name, count in sorted((_name(tenant, counted), count) for counted, count in counts.items())
            for part in (name, count)
        ]
        reply = await self._connection.call(
            "rulebooks/candidate_tell",
            [keys.RULEBOOK_CANDIDATE, keys.RULEBOOK_CANDIDATE_COUNTS, keys.RULEBOOK_CANDIDATE_DIFFERENCES],
            [token, DIFFERENCES_KEPT, COUNTS_KEPT, len(counts), *pairs, *map(_encode, differences)],
        )
        return bool(reply)

    async def findings(self, most: int = DIFFERENCES_KEPT, tenant: str | None = None) -> Findings:
        """The findings of the present candidate, or else of the last candidate."""
        return (await self.report(most, tenant))[1]

    async def report(
        self, most: int = DIFFERENCES_KEPT, tenant: str | None = None
    ) -> tuple[Candidate | None, Findings]:
        """The candidate and its findings on the requests of a tenant, or of all (None), of one moment.

        What cannot be read of them goes to the dead list.
        """
        raw, counts, differences = await self._connection.execute_together(
            [
                ("GET", keys.RULEBOOK_CANDIDATE),
                ("HGETALL", keys.RULEBOOK_CANDIDATE_COUNTS),
                ("LRANGE", keys.RULEBOOK_CANDIDATE_DIFFERENCES, 0, -1),
            ]
        )
        found = counts.items() if isinstance(counts, Mapping) else zip(counts[::2], counts[1::2], strict=True)
        counted = await self._counts(found, tenant)
        kept = await self._differences(differences)
        findings = Findings(
            totals={total: count for total, count in counted.items() if isinstance(total, Total)},
            changes={change: count for change, count in counted.items() if isinstance(change, Change)},
            differences=[each for each in kept if tenant is None or each.tenant == tenant][:most],
        )
        return None if raw is None else await self._read(raw), findings

    async def _read(self, raw: bytes) -> Candidate | None:
        try:
            return decoded(Place(RecordKind.CANDIDATE, "", keys.RULEBOOK_CANDIDATE), raw, _candidate.decode)
        except Undecodable as error:
            await self._unreadable.note(error)
            await self._connection.call("rulebooks/unstage", [keys.RULEBOOK_CANDIDATE], [raw])
            return None

    async def _counts(self, found: Iterable[tuple[bytes, bytes]], tenant: str | None) -> dict[Counted, int]:
        key = keys.RULEBOOK_CANDIDATE_COUNTS
        counts: Counter[Counted] = Counter()
        for name, count in found:
            place = Place(RecordKind.COUNT, "", key, name.decode(errors="replace"))
            try:
                owner, counted = decoded(place, name, _counted)
                number = decoded(place, count, int)
            except Undecodable as error:
                await self._unreadable.note(error)
                await self._connection.execute("HDEL", key, name)
                continue
            if tenant is None or owner == tenant:
                counts[counted] += number
        return dict(counts)

    async def _differences(self, found: Sequence[bytes]) -> list[DifferenceKept]:
        key = keys.RULEBOOK_CANDIDATE_DIFFERENCES
        differences = []
        for raw in found:
            try:
                differences.append(decoded(Place(RecordKind.DIFFERENCE, "", key), raw, _difference.decode))
            except Undecodable as error:
                await self._unreadable.note(error)
                await self._connection.execute("LREM", key, 1, raw)
        return differences


class _Name(msgspec.Struct, omit_defaults=True):
    """The name of a count on the requests of one tenant, as JSON."""

    tenant: str
    total: Total | None = None
    change: Change | None = None


_name_of = msgspec.json.Decoder(_Name)


def _name(tenant: str, counted: Counted) -> bytes:
    return _encode(_Name(tenant, counted) if isinstance(counted, Total) else _Name(tenant, change=counted))


def _counted(name: bytes) -> tuple[str, Counted]:
    """The tenant and what is counted. Raises ValueError for a name that is none.

    Names without a tenant, from earlier versions and of what is beyond the number kept, have an empty tenant.
    """
    if name.startswith(b"{"):
        found = _name_of.decode(name)
        counted = found.total or found.change
        if counted is None:
            raise ValueError("the name counts nothing")
        return found.tenant, counted
    if name.startswith(b"["):
        return "", _change.decode(name)
    text = name.decode()
    # Version 0.1 named changes `fact|before|after`, and two totals `told|...`. A trial continues over an upgrade.
    total = text.replace("told|", "told_")
    return "", Total(total) if total in tuple(Total) else Change(*text.split("|", 2))
