"""The guard of outgoing calls: which addresses are public, and a transport that connects to no others."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import httpx2

from answerby.domain.errors import AnswerbyError

GLOBAL_UNICAST = IPv6Network("2000::/3")
"""The only IPv6 addresses that IANA gives to the public (RFC 4291, and its registry of the address space)."""
NAT64 = IPv6Network("64:ff9b::/96")
"""An IPv4 address behind a translator (RFC 6052). A network without IPv4 reaches the public by these addresses."""
NOT_PUBLIC = (IPv4Network("192.88.99.0/24"), IPv6Network("3fff::/20"))
"""Relays of 6to4 (RFC 7526) and documentation (RFC 9637), which Python's own tables may not have yet."""
ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})
"""The upper half of an interface id that holds an IPv4 address in its lower half (RFC 5214)."""


class AddressRefused(AnswerbyError):
    """The host's address is not a public one; allow private addresses in the settings if it is meant."""

    reason = "ADDRESS_REFUSED"


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
            raise AddressRefused(f"{host} is not at a public address; correct the URL, or set allow_private")
    return addresses[0]


def is_public(address: str) -> bool:
    """False for loopback, private, link-local, site-local, multicast, reserved and documentation addresses.

    An IPv6 address that carries an IPv4 address is as public as the latter, if its own kind is in use at all.
    """
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv4Address):
        return _is_public_itself(parsed)
    if parsed.ipv4_mapped is not None:
        return _is_public_itself(parsed.ipv4_mapped)
    if parsed not in NAT64 and not (parsed in GLOBAL_UNICAST and _is_public_itself(parsed)):
        return False
    return all(_is_public_itself(inner) for inner in _carried(parsed))


def _is_public_itself(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not address.is_multicast and not any(address in network for network in NOT_PUBLIC)


def _carried(address: IPv6Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses that the address may lead to."""
    low = int(address) & 0xFFFF_FFFF
    if address in NAT64 or (int(address) >> 32) & 0xFFFF_FFFF in ISATAP:
        yield IPv4Address(low)
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
