"""Signatures computed here, by the letter of the specification, against those of the connector."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from answerby_connectors.kit.base import InvalidSettings, InvalidSignature
from answerby_connectors.kit.signing.standard_webhooks import decode_secret, sign, verify

OLD, NEW = b"o" * 24, b"n" * 32
BODY = '{"a": "投诉"}'.encode()
NOW = 1_700_000_000


def expected(key: bytes, message_id: str = "msg_1", timestamp: int = NOW, body: bytes = BODY) -> str:
    content = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def headers(signature: str, **changes: str) -> dict[str, str]:
    return {"webhook-id": "msg_1", "webhook-timestamp": str(NOW), "webhook-signature": signature, **changes}


def test_the_example_of_the_specification():
    key = decode_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = sign([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_signs_with_every_secret_while_one_is_replaced():
    signed = sign([NEW, OLD], "msg_1", NOW, BODY)
    assert signed == headers(f"{expected(NEW)} {expected(OLD)}")


@pytest.mark.parametrize("keys", [[OLD], [NEW], [OLD, NEW]])
def test_verifies_one_of_several_signatures(keys):
    given = headers(f"{expected(NEW)} v1a,abc {expected(OLD)}")
    assert verify(given, BODY, keys, NOW + 299) == "msg_1"


def test_header_names_in_any_case():
    given = {name.title(): value for name, value in headers(expected(OLD)).items()}
    assert verify(given, BODY, [OLD], NOW) == "msg_1"


@pytest.mark.parametrize(
    ("given", "body", "now"),
    [
        (headers(expected(OLD)), BODY + b" ", NOW),
        (headers(expected(OLD), **{"webhook-id": "msg_2"}), BODY, NOW),
        (headers(expected(OLD)), BODY, NOW + 301),
        (headers(expected(OLD)), BODY, NOW - 301),
        (headers(expected(NEW)), BODY, NOW),
        (headers(expected(OLD).replace("v1,", "v2,")), BODY, NOW),
        (headers(""), BODY, NOW),
        (headers("签名"), BODY, NOW),
        (headers(expected(OLD), **{"webhook-timestamp": "soon"}), BODY, NOW),
        (headers(expected(OLD), **{"webhook-timestamp": "9" * 400}), BODY, NOW),
        ({}, BODY, NOW),
    ],
    ids=[
        "body",
        "id",
        "old",
        "future",
        "key",
        "scheme",
        "empty",
        "not ascii",
        "no number",
        "huge number",
        "no headers",
    ],
)
def test_refuses(given, body, now):
    with pytest.raises(InvalidSignature):
        verify(given, body, [OLD], now)


@pytest.mark.parametrize("secret", ["whsec_!!", "whsec_" + "AAAA", "whsec_" + base64.b64encode(b"x" * 65).decode()])
def test_a_bad_secret_is_refused_and_not_shown(secret):
    with pytest.raises(InvalidSettings) as caught:
        decode_secret(secret)
    assert secret not in caught.value.message
