"""HTTP for connectors: an isolated client, and the outcome of an effect for each answer or missing answer."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2

from answerby.domain.errors import AnswerbyError
from answerby_connectors.kit.base import DONE, InvalidSettings, Outcome, OutcomeKind

USER_AGENT = "answerby"
MAX_RETRY_AFTER = 24 * 3600.0
"""The limit in seconds. A platform that asks for a longer wait is asked again after a day."""

NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)
"""The errors before the request reaches the other side."""
TRY_LATER = frozenset({408, 425, 429, 503})
"""The statuses of a platform that did nothing and permits another attempt."""


class AddressRefused(AnswerbyError):
    """The host's address is not a public one; allow private addresses in the settings if it is meant."""

    reason = "ADDRESS_REFUSED"


def make_client(timeout: float, *, allow_private: bool = True, connections: int = 20) -> httpx2.AsyncClient:
    """A client that follows no redirect and takes no proxy from the environment. `timeout`: seconds per phase."""
    transport: httpx2.AsyncBaseTransport = httpx2.AsyncHTTPTransport(
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


class PublicOnlyTransport(httpx2.AsyncBaseTransport):
    """Connects to public addresses only.

    The name is resolved once and the connection goes to the checked address, so that a name server cannot answer
    differently in between. TLS still checks the name.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        host = request.url.host
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        address = await public_address(host, port)
        pinned = httpx2.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers,  # with the Host header of the name
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": host},
        )
        return await self._inner.handle_async_request(pinned)

    async def aclose(self) -> None:
        await self._inner.aclose()


async def public_address(host: str, port: int) -> str:
    """One address of the host. Raises AddressRefused when any is not public, ConnectError when there is none."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpx2.ConnectError(f"cannot resolve {host}") from error
    addresses = [str(item[4][0]) for item in found]
    for address in addresses:
        if not is_public(address):
            raise AddressRefused(f"{host} is not at a public address")
    return addresses[0]


def is_public(address: str) -> bool:
    """False for loopback, private, link-local, multicast, reserved, and IPv4 of such kinds mapped into IPv6."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo and parsed.teredo[1])
        if inner:
            parsed = inner
    return parsed.is_global and not parsed.is_multicast


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
    """The seconds to wait by `Retry-After` (seconds or a date), or else by `RateLimit-Reset`."""
    text = headers.get("retry-after", headers.get("ratelimit-reset", "")).strip()
    if not text:
        return None
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return min(float(text), MAX_RETRY_AFTER)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return min(max(0.0, (at - (now or datetime.now(UTC))).total_seconds()), MAX_RETRY_AFTER)


def outcome_of_status(response: httpx2.Response) -> Outcome:
    """The outcome of a status, for a request that writes."""
    status = response.status_code
    if response.is_success:
        return DONE
    if status in TRY_LATER:
        return Outcome(OutcomeKind.RETRY, f"HTTP {status}", retry_after(response.headers))
    if response.is_server_error:
        # The failure may have come after the write, or between the write and us.
        return Outcome(OutcomeKind.UNKNOWN, f"HTTP {status}", retry_after(response.headers))
    if response.is_redirect:
        return Outcome(OutcomeKind.FAILED, f"HTTP {status}: redirects are not followed; correct the URL")
    return Outcome(OutcomeKind.FAILED, f"HTTP {status}")


def outcome_of_error(error: httpx2.TransportError) -> Outcome:
    """The outcome of a lost connection, for a request that writes: unknown, unless the request was never sent."""
    kind = OutcomeKind.RETRY if isinstance(error, NOT_SENT) else OutcomeKind.UNKNOWN
    return Outcome(kind, type(error).__name__)
