"""Who calls: a bearer token stands for a tenant."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping

from service.server.errors import Unauthenticated

Metadata = Iterable[tuple[str, str | bytes]]


class Authenticator:
    """Maps a call's metadata to its tenant. Without tokens every call is the default tenant's."""

    def __init__(self, tokens: Mapping[str, str], default_tenant: str) -> None:
        self._digests = [(_digest(token), tenant) for token, tenant in tokens.items()]
        self._default = default_tenant

    @property
    def tenants(self) -> frozenset[str]:
        """Every tenant that a caller can act for."""
        return frozenset(tenant for _, tenant in self._digests) or frozenset({self._default})

    def tenant(self, metadata: Metadata) -> str:
        """The tenant of a call. Raises Unauthenticated."""
        if not self._digests:
            return self._default
        presented = _digest(_bearer(metadata))
        found = ""
        # All are compared, in constant time each, so that timing tells nothing about the tokens.
        for digest, tenant in self._digests:
            if hmac.compare_digest(digest, presented):
                found = tenant
        if not found:
            raise Unauthenticated
        return found


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _bearer(metadata: Metadata) -> str:
    for name, value in metadata:
        if name == "authorization":
            text = value if isinstance(value, str) else value.decode("utf-8", "replace")
            scheme, _, token = text.partition(" ")
            if scheme.lower() == "bearer" and token.strip():
                return token.strip()
    raise Unauthenticated
