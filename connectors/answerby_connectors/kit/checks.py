"""The check of a connector to a ticket platform: who we are there, and which mapping leads nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from answerby_connectors.kit.base import Finding, OutcomeKind, PlatformUnavailable
from answerby_connectors.kit.http.answer import CallFailed
from answerby_connectors.kit.mapping import Mapper


class Checked(Protocol):
    """What the check needs of a connector."""

    mapper: Mapper

    async def identify(self) -> str: ...
    async def choices_of(self, field: str, scope: str = "") -> Mapping[str, object]: ...
    def check_scopes(self, field: str) -> Iterable[str]: ...


async def check(desk: Checked) -> list[Finding]:
    """Reads only. Raises PlatformUnavailable when nobody answers."""
    try:
        found = [Finding(f"logged in as the account {await desk.identify()}")]
    except CallFailed as error:
        return [refused(error)]
    for field in desk.mapper.fields:
        if not field.chosen:
            found.append(Finding(f"{field.ours} goes to {field.theirs}"))
            continue
        for scope in desk.check_scopes(field.theirs):
            place = f"{field.theirs} of {scope}" if scope else field.theirs
            try:
                names = await desk.choices_of(field.theirs, scope)
            except CallFailed as error:
                found.append(refused(error))
                continue
            found.append(Finding(f"{field.ours} goes to {place}, which has {len(names)} choices"))
            found += [
                Finding(f"{field.ours} {ours} leads nowhere: {place} has no {theirs}", good=False)
                for ours, theirs in desk.mapper.table(field.ours).items()
                if theirs not in names
            ]
    return found


def refused(error: CallFailed) -> Finding:
    """The failure as a finding. Raises PlatformUnavailable for one that passes."""
    if error.outcome.kind in (OutcomeKind.RETRY, OutcomeKind.UNKNOWN):
        raise PlatformUnavailable(error.outcome.detail, error.outcome.retry_after) from error
    return Finding(error.outcome.detail, good=False)
