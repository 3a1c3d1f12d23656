"""Tokens of the OAuth grant for a user's password, for platforms that have no grant for clients alone."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx2

from answerby_connectors.kit.http.auth import ClientCredentials


class PasswordGrant(ClientCredentials):
    """Tokens of the grant for a password (RFC 6749, section 4.3). At its end a token is fetched anew."""

    def __init__(
        self,
        http: httpx2.AsyncClient,
        url: str,
        client: str,
        secret: str,
        scope: str = "",
        clock: Callable[[], float] = time.monotonic,
        *,
        user: str,
        password: str,
    ) -> None:
        super().__init__(http, url, client, secret, scope, clock)
        self._form |= {"grant_type": "password", "username": user, "password": password}
