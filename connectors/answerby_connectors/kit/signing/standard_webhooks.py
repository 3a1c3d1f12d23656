"""Standard Webhooks 1.0 with symmetric secrets: signatures on posts, and checks of incoming webhooks.

The signed content is the exact bytes of `<webhook-id>.<webhook-timestamp>.<body>`. The signature is the base64 of the
HMAC-SHA256, written `v1,<base64>`. During the replacement of a secret, the header has one signature per secret, with
spaces between.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence

from answerby_connectors.kit.base import InvalidSettings, InvalidSignature

SECRET_PREFIX = "whsec_"  # noqa: S105 - a marker, not a secret
SCHEME = "v1"
TOLERANCE_SECONDS = 300
"""The largest distance of a timestamp from now, in either direction. A webhook beyond the limit counts as replayed."""


def decode_secret(secret: str) -> bytes:
    """The key of a `whsec_<base64>` secret of 24 to 64 bytes. Raises InvalidSettings without the secret."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidSettings("a webhook secret must be whsec_ followed by base64") from error
    if not 24 <= len(key) <= 64:
        raise InvalidSettings(f"a webhook secret must have 24 to 64 bytes, this one has {len(key)}")
    return key


def sign(keys: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers. `timestamp` is the Unix time of this attempt in seconds.

    The id stays the same over attempts.
    """
    signatures = [f"{SCHEME},{signature(key, message_id, str(timestamp), body)}" for key in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def verify(
    headers: Mapping[str, str], body: bytes, keys: Sequence[bytes], now: float, tolerance: float = TOLERANCE_SECONDS
) -> str:
    """The webhook's id. `now` is Unix time in seconds. Raises InvalidSignature unless one signature fits one key."""
    given = {name.lower(): value for name, value in headers.items()}
    missing = [n for n in ("webhook-id", "webhook-timestamp", "webhook-signature") if not given.get(n)]
    if missing:
        raise InvalidSignature(f"missing header {missing[0]}")
    message_id, timestamp = given["webhook-id"], given["webhook-timestamp"]
    if not (timestamp.isascii() and timestamp.isdigit()) or len(timestamp) > 12:
        raise InvalidSignature("webhook-timestamp is not Unix time in seconds")
    if abs(now - int(timestamp)) > tolerance:
        raise InvalidSignature(f"webhook-timestamp is more than {tolerance:.0f} s from now")
    expected = [signature(key, message_id, timestamp, body).encode() for key in keys]
    offered = [
        value
        for scheme, _, value in (s.partition(",") for s in given["webhook-signature"].split(" "))
        if scheme == SCHEME
    ]
    # Every pair is compared, each in constant time, so that the timing does not reveal the matching pair.
    fits = [hmac.compare_digest(e, o.encode()) for e in expected for o in offered]
    if not any(fits):
        raise InvalidSignature("no signature fits")
    return message_id


def signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    """Base64 of the HMAC-SHA256 over id, timestamp and body."""
    content = b".".join((message_id.encode(), timestamp.encode(), body))
    return base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
