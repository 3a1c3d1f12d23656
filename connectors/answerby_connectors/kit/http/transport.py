"""HTTP for connectors: an isolated client, and the outcome of an effect for each answer or missing answer."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import httpx2

from answerby_connectors.kit.base import DONE, InvalidSettings, Outcome, OutcomeKind
from answerby_connectors.kit.http.addresses import PublicOnlyTransport
from answerby_connectors.kit.http.waits import wait_of

USER_AGENT = "answerby"

NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)
"""The errors before the request reaches the other side."""
CERTIFICATE_REMEDY = "correct the host in the URL, or name the platform's authorities in the settings"
TRY_LATER = frozenset({408, 425, 429, 477, 503})
"""The statuses of a platform that did nothing and permits another attempt. 477: HubSpot moves the account elsewhere."""


def make_client(
    timeout: float, *, allow_private: bool = True, connections: int = 20, authorities: Path | None = None
) -> httpx2.AsyncClient:
    """A client that follows no redirect and takes no proxy from the environment. `timeout`: seconds per phase.

    `authorities`: a PEM file of the certificates that sign the platform's, instead of the public ones. Raises
    InvalidSettings when it cannot be read.
    """
    transport: httpx2.AsyncBaseTransport = httpx2.AsyncHTTPTransport(
        verify=True if authorities is None else trusting(authorities),
        limits=httpx2.Limits(max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=15),
        trust_env=False,
    )
    if not allow_private:
        transport = PublicOnlyTransport(transport)
    return httpx2.AsyncClient(
        transport=transport,
        timeout=timeout,
        follow_redirects=False,
        trust_env=False,
        headers={"user-agent": USER_AGENT},
    )


def trusting(authorities: Path) -> ssl.SSLContext:
    """TLS that trusts the certificates of the file alone. Raises InvalidSettings."""
    try:
        return ssl.create_default_context(cafile=authorities)
    except (OSError, ssl.SSLError) as error:
        raise InvalidSettings(f"authorities: no certificates can be read from {authorities} ({error})") from error


def check_url(url: str) -> str:
    """The checked URL. Raises InvalidSettings for another scheme, no host, or credentials inside."""
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise InvalidSettings(f"not a URL: {error}") from error
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise InvalidSettings("a URL must start with https:// or http:// and name a host")
    if parsed.userinfo:
        raise InvalidSettings("a URL must not carry credentials; use the settings made for them")
    return url


def retry_after(headers: httpx2.Headers, now: datetime | None = None) -> float | None:
    """The seconds to wait on an answer that refuses for a limit, by `Retry-After` or another header of vendors."""
    return wait_of(headers, now=now)


def outcome_of_status(response: httpx2.Response) -> Outcome:
    """The outcome of a status, for a request that writes."""
    status = response.status_code
    if response.is_success:
        return DONE
    if status in TRY_LATER:
        return Outcome(OutcomeKind.RETRY, f"HTTP {status}", retry_after(response.headers))
    if response.is_server_error:
        # The failure may have come after the write, or between the write and us.
        return Outcome(OutcomeKind.UNKNOWN, f"HTTP {status}", wait_of(response.headers, limited=False))
    if response.is_redirect:
        return Outcome(OutcomeKind.FAILED, f"HTTP {status}: redirects are not followed; correct the URL")
    return Outcome(OutcomeKind.FAILED, f"HTTP {status}")


def outcome_of_error(error: httpx2.TransportError) -> Outcome:
    """The outcome of a lost connection, for a request that writes: unknown, unless the request was never sent.

    A certificate that is not trusted holds the connector: it is not mended by another attempt.
    """
    for cause in causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Outcome(OutcomeKind.HELD, f"TLS: {cause.verify_message}; {CERTIFICATE_REMEDY}")
        if isinstance(cause, ssl.SSLError) and isinstance(error, NOT_SENT):
            return Outcome(OutcomeKind.RETRY, f"TLS: {cause.reason or 'the handshake failed'}; is the port for https?")
    kind = OutcomeKind.RETRY if isinstance(error, NOT_SENT) else OutcomeKind.UNKNOWN
    return Outcome(kind, type(error).__name__)


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
