"""Calls to the API of a platform. Every call ends in its answer, or in CallFailed with the outcome for the effect."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import httpx2

from answerby_connectors.kit.base import DONE, Outcome, OutcomeKind
from answerby_connectors.kit.http.addresses import AddressRefused
from answerby_connectors.kit.http.answer import Answer, CallFailed, Gone
from answerby_connectors.kit.http.auth import Auth
from answerby_connectors.kit.http.transport import TRY_LATER, check_url, outcome_of_error
from answerby_connectors.kit.http.waits import wait_of

CHANGED_MEANWHILE = frozenset({409, 412, 423})
"""Conflict, precondition failed, locked: somebody else was quicker, and nothing was written. The next attempt reads."""
GONE = frozenset({404, 410})
TOKEN_REFUSED = "the account's key or token is refused; set a valid one"  # noqa: S105 - no secret

Judge = Callable[[Answer], Outcome | None]
"""The platform's own word on an answer: an outcome, or None when the status says it all."""


def plain(_: Answer) -> Outcome | None:
    """The judge of a platform whose statuses mean what they say."""
    return None


def path(template: str, *parts: object) -> str:
    """The path with each part in place of `{}`, quoted, so that no part leaves its place."""
    return template.format(*(quote(str(part), safe="").replace(".", "%2E") for part in parts))


class Rest:
    """One account at one installation."""

    def __init__(self, http: httpx2.AsyncClient, url: str, auth: Auth, judge: Judge = plain) -> None:
        self._http = http
        self._root = check_url(url).rstrip("/")
        self._auth = auth
        self._judge = judge

    async def read(
        self,
        what: str,
        method: str,
        place: str,
        *,
        params: Mapping[str, str | int] | None = None,
        json: object = None,
    ) -> Answer:
        """A call that changes nothing, so that it may be repeated after every failure. Raises CallFailed, Gone."""
        try:
            return await self._call(what, method, place, params, json, {})
        except CallFailed as error:
            if error.outcome.kind is OutcomeKind.UNKNOWN:
                error.outcome = Outcome(OutcomeKind.RETRY, error.outcome.detail, error.outcome.retry_after)
            raise

    async def read_all(self, what: str, place: str, key: str, limit: int = 100) -> list[Any]:
        """All members of the list `key`, which the platform pages by `offset`, `limit` and `total_count`.

        Raises CallFailed, Gone, and KeyError or TypeError for an answer of another form.
        """
        found: list[Any] = []
        while True:
            body = (await self.read(what, "GET", place, params={"limit": limit, "offset": len(found)})).json
            found += body[key]
            if not body[key] or len(found) >= body.get("total_count", 0):
                return found

    async def read_pages(self, what: str, place: str, limit: int = 100) -> list[Any]:
        """All members of a list that the platform pages by `page` and `per_page`. A page that is not full is the last.

        Raises CallFailed, Gone, and TypeError for an answer of another form.
        """
        found: list[Any] = []
        while True:
            params = {"per_page": limit, "page": len(found) // limit + 1}
            page = (await self.read(what, "GET", place, params=params)).json
            found += page
            if len(page) < limit:
                return found

    async def read_cursor(
        self,
        what: str,
        place: str,
        key: str,
        following: Callable[[Any], Mapping[str, str | int] | None],
        **params: str | int,
    ) -> list[Any]:
        """All members of the list `key`, which the platform pages by a cursor.

        `following` gives the parameters that ask for the page behind a page; None: it is the last. Raises CallFailed,
        Gone, and KeyError or TypeError for an answer of another form.
        """
        found: list[Any] = []
        more: Mapping[str, str | int] | None = {}
        while more is not None:
            body = (await self.read(what, "GET", place, params={**params, **more})).json
            found += body[key]
            more = following(body)
        return found

    async def read_numbered(
        self, what: str, place: str, key: str, count: str, params: Mapping[str, str], *, limit: int = 100
    ) -> list[Any]:
        """All members of the list `key`, which the platform pages by `page` and `per_page`.

        The member `count` is the number of pages. Where the platform hides members, and the number with them, no page
        has to be full, and an empty page is the end. Raises CallFailed, Gone, and KeyError or TypeError for an answer
        of another form.
        """
        found: list[Any] = []
        for page in itertools.count(1):
            query: dict[str, str | int] = {"per_page": limit, "page": page, **params}
            body = (await self.read(what, "GET", place, params=query)).json
            found += body[key]
            if not body[key] or (body[count] is not None and page >= body[count]):
                break
        return found

    async def write(
        self, what: str, method: str, place: str, json: object = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """A call that changes something. `headers` beside those of every call. Raises CallFailed, Gone."""
        return await self._call(what, method, place, None, json, headers or {})

    async def close(self) -> None:
        await self._http.aclose()

    async def _call(
        self,
        what: str,
        method: str,
        place: str,
        params: Mapping[str, str | int] | None,
        json: object,
        more: Mapping[str, str],
    ) -> Answer:
        answer = await self._send(what, method, place, params, json, more)
        if answer.status == httpx2.codes.UNAUTHORIZED and self._auth.renew():
            answer = await self._send(what, method, place, params, json, more)
        outcome = self._judge(answer) or outcome_of(answer)
        if outcome.kind is OutcomeKind.DONE:
            return answer
        if answer.status in GONE and outcome.kind is OutcomeKind.FAILED:
            raise Gone(what, outcome, answer)
        raise CallFailed(what, outcome, answer)

    async def _send(
        self,
        what: str,
        method: str,
        place: str,
        params: Mapping[str, str | int] | None,
        json: object,
        more: Mapping[str, str],
    ) -> Answer:
        headers = {**more, **await self._auth.headers()}
        try:
            response = await self._http.request(
                method,
                f"{self._root}/{place}",
                params=params,
                json=json,
                headers={"accept": "application/json", **headers},
            )
        except httpx2.TransportError as error:
            raise CallFailed(what, outcome_of_error(error)) from error
        except AddressRefused as error:
            raise CallFailed(what, Outcome(OutcomeKind.HELD, error.message)) from error
        return Answer(response.status_code, response.headers, response.content)


def outcome_of(answer: Answer) -> Outcome:
    """The outcome of a status, for a call on one ticket."""
    status = answer.status
    said = f"HTTP {status}"
    if 200 <= status < 300:
        return DONE
    if status == httpx2.codes.UNAUTHORIZED:
        return Outcome(OutcomeKind.HELD, f"{said}: {TOKEN_REFUSED}")
    if status in TRY_LATER or status in CHANGED_MEANWHILE:
        return Outcome(OutcomeKind.RETRY, said, wait_of(answer.headers, limited=status in TRY_LATER))
    if status >= 500:
        # The failure may have come after the write, or between the write and us.
        return Outcome(OutcomeKind.UNKNOWN, said, wait_of(answer.headers, limited=False))
    if 300 <= status < 400:
        return Outcome(OutcomeKind.FAILED, f"{said}: redirects are not followed; correct the URL")
    return Outcome(OutcomeKind.FAILED, said)
