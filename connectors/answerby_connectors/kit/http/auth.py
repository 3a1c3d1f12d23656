"""The credentials of calls: fixed headers, and tokens of OAuth client credentials that are fetched and renewed."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable, Mapping
from typing import Protocol

import httpx2
import msgspec

from answerby_connectors.kit.base import Outcome, OutcomeKind
from answerby_connectors.kit.http.answer import Answer, CallFailed
from answerby_connectors.kit.http.transport import TRY_LATER, check_url, outcome_of_error
from answerby_connectors.kit.http.waits import wait_of

EARLY = 60.0
"""The seconds before its end at which a token is replaced, so that none ends on its way."""
SHORTEST = 300.0
"""The seconds that a token counts as valid when the platform does not say."""


class Auth(Protocol):
    """What a call carries so that the platform knows the account."""

    async def headers(self) -> Mapping[str, str]:
        """The headers of one call. Raises CallFailed."""
        ...

    def renew(self) -> bool:
        """Called after a 401. Whether the next headers may be others, so that another attempt makes sense."""
        ...


class FixedHeaders:
    """Credentials that stay the same."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = dict(headers)

    async def headers(self) -> Mapping[str, str]:
        return self._headers

    def renew(self) -> bool:
        return False


def header_key(name: str, key: str) -> FixedHeaders:
    """A key in a header of the platform's own."""
    return FixedHeaders({name: key})


def bearer(token: str, word: str = "Bearer") -> FixedHeaders:
    """A token in `Authorization`, behind the platform's word for it (RFC 6750 says Bearer; others Token or token)."""
    return FixedHeaders({"authorization": f"{word} {token}"})


def basic(user: str, password: str) -> FixedHeaders:
    """User and password (RFC 7617, in UTF-8)."""
    return FixedHeaders({"authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"})


class TokenAnswer(msgspec.Struct, frozen=True):
    """The answer of a token endpoint (RFC 6749, section 5.1). `expires_in`: seconds.

    `id` and `instance_url` are Salesforce's: who we are, and where the API is.
    """

    access_token: str
    expires_in: float = SHORTEST
    id: str = ""
    instance_url: str = ""


class ClientCredentials:
    """Tokens of the OAuth grant for clients (RFC 6749, section 4.4): fetched at need, by one call at a time."""

    def __init__(
        self,
        http: httpx2.AsyncClient,
        url: str,
        client: str,
        secret: str,
        scope: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = http
        self._url = check_url(url)
        self._form = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}
        if scope:
            self._form["scope"] = scope
        self._clock = clock
        self._lock = asyncio.Lock()
        self._token = ""
        self._until = 0.0
        self.told = TokenAnswer("")
        """What came with the latest token."""

    async def headers(self) -> Mapping[str, str]:
        async with self._lock:
            if not self._token or self._clock() >= self._until:
                answer = await self._fetch()
                self._token, self.told = answer.access_token, answer
                self._until = self._clock() + max(answer.expires_in - EARLY, answer.expires_in / 2)
            return {"authorization": f"Bearer {self._token}"}

    def renew(self) -> bool:
        """Drops the token: the platform may have withdrawn it before its end."""
        known, self._token = bool(self._token), ""
        return known

    async def _fetch(self) -> TokenAnswer:
        what = "get a token"
        try:
            response = await self._http.post(self._url, data=self._form)
        except httpx2.TransportError as error:
            lost = outcome_of_error(error)
            kind = OutcomeKind.RETRY if lost.kind is OutcomeKind.UNKNOWN else lost.kind
            raise CallFailed(what, Outcome(kind, lost.detail)) from error
        answer = Answer(response.status_code, response.headers, response.content)
        if response.is_client_error and response.status_code not in (408, 425, 429):
            refused = f"HTTP {answer.status}: client id or secret is refused; set valid ones"
            raise CallFailed(what, Outcome(OutcomeKind.HELD, refused), answer)
        try:
            if response.is_success:
                return msgspec.json.decode(answer.content, type=TokenAnswer, strict=False)
        except msgspec.DecodeError as error:
            raise CallFailed(what, Outcome(OutcomeKind.HELD, f"the answer is no token: {error}"), answer) from error
        wait = wait_of(answer.headers, limited=answer.status in TRY_LATER)
        raise CallFailed(what, Outcome(OutcomeKind.RETRY, f"HTTP {answer.status}", wait), answer)
