"""Signatures of incoming webhooks: one description for every platform, checks in constant time, and a replay window.

A platform computes a digest over a text made of headers and the body, and sends the digest in a header. The
description of a platform says which text, which digest, and how the digest is written. `signature_schemes.py` beside
this file names those of known platforms.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from answerby_connectors.kit.base import InvalidSettings, InvalidSignature

PATH_SECRET = ":path-secret"  # noqa: S105 - a name
"""The pseudo header of the last part of `/hook/<name>/<secret>`. No client can send a header of this name."""
TOLERANCE_SECONDS = 300.0
"""The distance of a timestamp from now that is taken, where a scheme names none."""
_PLACE = re.compile(r"\{(body|secret|header:[!#$%&'*+.^_`|~0-9A-Za-z-]+)\}")
_SHORTEST_SECRET = 8
NO_SECRET = "a signature needs at least one secret; set secrets, or secrets_file"  # noqa: S105 - words for people


class Method(StrEnum):
    """How the signature follows from the text and the secret."""

    HMAC = "hmac"
    DIGEST = "digest"
    """A plain digest of a text that holds the secret."""
    EQUAL = "equal"
    """The header is the secret itself."""


class Encoding(StrEnum):
    HEX = "hex"
    BASE64 = "base64"


class KeyForm(StrEnum):
    """How the key is written in the settings."""

    TEXT = "text"
    BASE64 = "base64"


class TimeUnit(StrEnum):
    """How a timestamp is written."""

    SECONDS = "s"
    MILLISECONDS = "ms"
    ISO = "iso"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureScheme:
    """What a platform signs and where it puts the signature."""

    header: str = ""
    """The header of the signature. Empty: nothing is signed."""
    method: Method = Method.HMAC
    algorithm: str = "sha256"
    """sha256, sha1, sha512 or md5, as hashlib names it."""
    encoding: Encoding = Encoding.HEX
    prefix: str = ""
    """Stands before the signature in the header, such as `sha256=`."""
    content: str = "{body}"
    """The text that is signed, with `{body}`, `{secret}` and `{header:NAME}`."""
    key: KeyForm = KeyForm.TEXT
    timestamp: str = ""
    """The header of the time of sending. Empty: the platform sends none, and an old webhook can be sent again."""
    unit: TimeUnit = TimeUnit.SECONDS
    tolerance: float = TOLERANCE_SECONDS
    """Seconds that the time of sending may be from now, in either direction; 0: it is not looked at."""

    @property
    def signs(self) -> bool:
        return bool(self.header)

    def check(self, secrets: Sequence[str]) -> None:
        """Raises InvalidSettings for a description that cannot work, and for secrets that do not fit it."""
        if self.signs and self.algorithm not in ALGORITHMS:
            raise InvalidSettings(f"signature algorithm {self.algorithm!r}: must be one of {', '.join(ALGORITHMS)}")
        left = _PLACE.sub("", self.content)
        if "{" in left or "}" in left:
            raise InvalidSettings("signature content: write {body}, {secret} and {header:NAME}, and no other braces")
        if self.signs and self.method is not Method.EQUAL and "{body}" not in self.content:
            raise InvalidSettings("signature content: without {body} anybody could change the body; write {body} too")
        if self.method is Method.DIGEST and "{secret}" not in self.content:
            raise InvalidSettings("signature content: a plain digest without {secret} proves nothing")
        if self.signs and not secrets:
            raise InvalidSettings(NO_SECRET)
        if any(len(secret) < _SHORTEST_SECRET for secret in secrets):
            raise InvalidSettings(f"a secret has fewer than {_SHORTEST_SECRET} characters; use a long random one")
        for secret in secrets:
            self._key(secret)

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float) -> None:
        """Raises InvalidSignature unless the signature fits one of the secrets. `now`: Unix time, seconds.

        Every secret is tried in constant time, so that the timing does not tell which one fits.
        """
        if not self.signs:
            return
        given = {name.lower(): value for name, value in headers.items()}
        offered = given.get(self.header.lower(), "")
        if not offered:
            raise InvalidSignature(f"missing header {self.header}")
        expected = [self.signature(given, body, secret) for secret in secrets]
        offered = offered.strip()
        if self.encoding is Encoding.HEX and self.method is not Method.EQUAL:
            offered = offered.lower()
            expected = [each.lower() for each in expected]
        fits = [hmac.compare_digest(each.encode(), offered.encode("utf-8", "replace")) for each in expected]
        if not any(fits):
            raise InvalidSignature("the signature does not fit")
        # The time is only worth a look once the signature proves it, unless the scheme does not sign it.
        self._check_time(given, now)

    def signature(self, headers: Mapping[str, str], body: bytes, secret: str) -> str:
        """What the header must hold. `headers` have lower-case names. Raises InvalidSignature for a missing header."""
        if self.method is Method.EQUAL:
            return self.prefix + secret
        content = self._content(headers, body, secret)
        if self.method is Method.HMAC:
            digest = hmac.new(self._key(secret), content, self.algorithm).digest()
        else:
            digest = hashlib.new(self.algorithm, content, usedforsecurity=False).digest()
        return self.prefix + (digest.hex() if self.encoding is Encoding.HEX else base64.b64encode(digest).decode())

    def _content(self, headers: Mapping[str, str], body: bytes, secret: str) -> bytes:
        parts: list[bytes] = []
        end = 0
        for place in _PLACE.finditer(self.content):
            parts.append(self.content[end : place.start()].encode())
            end = place.end()
            name = place[1]
            if name == "body":
                parts.append(body)
            elif name == "secret":
                parts.append(secret.encode())
            else:
                parts.append(_header(headers, name.removeprefix("header:")).encode("utf-8", "replace"))
        parts.append(self.content[end:].encode())
        return b"".join(parts)

    def _key(self, secret: str) -> bytes:
        if self.key is KeyForm.TEXT:
            return secret.encode()
        try:
            return base64.b64decode(secret, validate=True)
        except (binascii.Error, ValueError) as error:
            raise InvalidSettings("a secret of this scheme must be base64") from error

    def _check_time(self, headers: Mapping[str, str], now: float) -> None:
        if not self.timestamp or not self.tolerance:
            return
        text = _header(headers, self.timestamp)
        try:
            sent = _seconds(text, self.unit)
        except (ValueError, OverflowError):
            raise InvalidSignature(f"{self.timestamp} is no time") from None
        if not abs(now - sent) <= self.tolerance:
            raise InvalidSignature(f"{self.timestamp} is more than {self.tolerance:.0f} s from now")


ALGORITHMS = ("sha256", "sha1", "sha512", "md5")


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name.lower())
    if value is None:
        raise InvalidSignature(f"missing header {name}")
    return value


def _seconds(text: str, unit: TimeUnit) -> float:
    """Unix time in seconds. Raises ValueError and OverflowError."""
    if unit is TimeUnit.ISO:
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is None:
            raise ValueError("no offset")
        return moment.timestamp()
    number = float(text)
    return number if unit is TimeUnit.SECONDS else number / 1000


def sorted_digest(parts: Sequence[str], algorithm: str = "sha1") -> str:
    """Hexadecimal digest of the parts in the order of their characters, joined.

    DingTalk and WeCom sign token, timestamp, nonce and the encrypted text so. Source: their callback pages.
    """
    return hashlib.new(algorithm, "".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()
