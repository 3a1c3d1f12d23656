"""Callers: a bearer token stands for a name, a tenant and roles."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping

from answerby.server.base.config import TokenConfig
from answerby.server.base.roles import EVERY_ROLE, Caller
from answerby.server.rpc.errors import Unauthenticated

Metadata = Iterable[tuple[str, str | bytes]]
ANYBODY = "(local)"
"""The name of the caller on a server without tokens. No token can have this name."""


class Authenticator:
    """Maps a call's metadata to its caller. Without tokens every call has the default tenant and all permissions."""

    def __init__(self, tokens: Mapping[str, TokenConfig], default_tenant: str) -> None:
        self._digests = [
            (_digest(token), Caller(entry.name or entry.tenant, entry.tenant, frozenset(entry.roles)))
            for token, entry in tokens.items()
        ]
        self._anybody = Caller(ANYBODY, default_tenant, EVERY_ROLE)

    @property
    def tenants(self) -> frozenset[str]:
        """Every tenant that a caller can act for."""
        if not self._digests:
            return frozenset({self._anybody.tenant})
        return frozenset(caller.tenant for _, caller in self._digests if caller.tenant)

    def caller(self, metadata: Metadata) -> Caller:
        """The caller of a call. Raises Unauthenticated."""
        if not self._digests:
            return self._anybody
        presented = _digest(_bearer(metadata))
        found = None
        # All tokens are compared, in constant time each, so that the timing reveals nothing about the tokens.
        for digest, caller in self._digests:
            if hmac.compare_digest(digest, presented):
                found = caller
        if found is None:
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
