"""Signatures of webhooks against values that the platforms publish, and against the formulas of their pages computed here."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import pytest

from answerby_connectors.kit.base import InvalidSettings, InvalidSignature
from answerby_connectors.kit.signing.signature_schemes import NAMES, SignatureSettings
from answerby_connectors.kit.signing.signatures import PATH_SECRET, sorted_digest

BODY = '{"ticket": "发票 – falsch"}'.encode()
SECRET = "a secret of the test"
NOW = 1_700_000_000
ISO = datetime.fromtimestamp(NOW, UTC).isoformat().replace("+00:00", "Z")


def check(settings: str | dict, *secrets: str):
    return SignatureSettings.model_validate(settings).check(secrets or (SECRET,))


def digest(algorithm: str, content: bytes, secret: str = SECRET) -> bytes:
    return hmac.new(secret.encode(), content, algorithm).digest()


def b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def stamped(text: str) -> bytes:
    return text.encode() + BODY


HUBSPOT = {
    "scheme": "hubspot",
    "content": "POSThttps://hooks.example.com/hook/hs{body}{header:X-HubSpot-Request-Timestamp}",
}
SIGNED = [
    ("github", {"X-Hub-Signature-256": "sha256=" + digest("sha256", BODY).hex()}),
    ("jira", {"X-Hub-Signature": "sha256=" + digest("sha256", BODY).hex()}),
    ("zammad", {"X-Hub-Signature": "sha1=" + digest("sha1", BODY).hex()}),
    ("redmine", {"X-Redmine-Signature-256": "sha256=" + digest("sha256", BODY).hex()}),
    ("frappe", {"X-Frappe-Webhook-Signature": b64(digest("sha256", BODY))}),
    ("freescout", {"X-FreeScout-Signature": b64(digest("sha1", BODY))}),
    ("hmac-sha256-hex", {"X-Signature": digest("sha256", BODY).hex()}),
    ("hmac-sha256-base64", {"X-Signature": b64(digest("sha256", BODY))}),
    ("hmac-sha1-hex", {"X-Signature": digest("sha1", BODY).hex()}),
    ("hmac-sha1-base64", {"X-Signature": b64(digest("sha1", BODY))}),
    (
        "slack",
        {
            "X-Slack-Request-Timestamp": str(NOW),
            "X-Slack-Signature": "v0=" + digest("sha256", stamped(f"v0:{NOW}:")).hex(),
        },
    ),
    (
        "zendesk",
        {
            "X-Zendesk-Webhook-Signature-Timestamp": ISO,
            "X-Zendesk-Webhook-Signature": b64(digest("sha256", stamped(ISO))),
        },
    ),
    (
        "chatwoot",
        {
            "X-Chatwoot-Timestamp": str(NOW),
            "X-Chatwoot-Signature": "sha256=" + digest("sha256", stamped(f"{NOW}.")).hex(),
        },
    ),
    (
        "glpi",
        {
            "X-GLPI-timestamp": str(NOW - 9999),
            "X-GLPI-signature": digest("sha256", BODY + str(NOW - 9999).encode()).hex(),
        },
    ),
    (
        "feishu",
        {
            "X-Lark-Request-Timestamp": str(NOW),
            "X-Lark-Request-Nonce": "n1",
            "X-Lark-Signature": hashlib.sha256(stamped(f"{NOW}n1{SECRET}")).hexdigest(),
        },
    ),
    (
        HUBSPOT,
        {
            "X-HubSpot-Request-Timestamp": str(NOW * 1000),
            "X-HubSpot-Signature-v3": b64(
                digest("sha256", b"POSThttps://hooks.example.com/hook/hs" + BODY + str(NOW * 1000).encode())
            ),
        },
    ),
    ("secret-header", {"X-Secret": SECRET}),
    (
        {"scheme": "secret-header", "header": "Authorization", "prefix": "Bearer "},
        {"Authorization": f"Bearer {SECRET}"},
    ),
    ("secret-path", {PATH_SECRET: SECRET}),
]
WITHOUT_BODY = ("secret-header", "secret-path")


def scheme_of(settings: str | dict) -> str:
    return settings if isinstance(settings, str) else settings["scheme"]


@pytest.mark.parametrize(("settings", "headers"), SIGNED, ids=[scheme_of(settings) for settings, _ in SIGNED])
def test_takes_what_is_signed_and_refuses_every_change(settings, headers):
    checked = check(settings)
    checked.verify(headers, BODY, NOW)
    checked.verify({name.upper(): value for name, value in headers.items()}, BODY, NOW)
    check(settings, "another long secret", SECRET).verify(headers, BODY, NOW)
    with pytest.raises(InvalidSignature):
        check(settings, "another long secret").verify(headers, BODY, NOW)
    if scheme_of(settings) not in WITHOUT_BODY:
        with pytest.raises(InvalidSignature):
            checked.verify(headers, BODY + b" ", NOW)
    for name in headers:
        with pytest.raises(InvalidSignature):
            checked.verify({other: value for other, value in headers.items() if other != name}, BODY, NOW)
        with pytest.raises(InvalidSignature):
            checked.verify({**headers, name: headers[name] + "0"}, BODY, NOW)
        with pytest.raises(InvalidSignature):
            checked.verify({**headers, name: "签\ud800"}, BODY, NOW)


@pytest.mark.parametrize("scheme", ["slack", "zendesk", "chatwoot", "feishu", HUBSPOT], ids=scheme_of)
@pytest.mark.parametrize("seconds", [-301, 301])
def test_an_old_or_future_webhook_is_refused_though_its_signature_fits(scheme, seconds):
    headers = next(headers for settings, headers in SIGNED if settings == scheme)
    check(scheme).verify(headers, BODY, NOW + (299 if seconds > 0 else -299))
    with pytest.raises(InvalidSignature, match="300 s"):
        check(scheme).verify(headers, BODY, NOW + seconds)
    settings = {"tolerance": 0, **({"scheme": scheme} if isinstance(scheme, str) else scheme)}
    check(settings).verify(headers, BODY, NOW + seconds)


def test_the_value_on_the_page_of_github():
    """docs.github.com, "Validating webhook deliveries", Testing the webhook payload validation."""
    check("github", "It's a Secret to Everybody").verify(
        {"X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
        b"Hello, World!",
        NOW,
    )


def test_the_value_on_the_page_of_slack():
    """api.slack.com, "Verifying requests from Slack"."""
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554"
        b"%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    headers = {
        "X-Slack-Request-Timestamp": "1531420618",
        "X-Slack-Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    }
    check("slack", "8f742231b10e8888abcd99yyyzzz85a5").verify(headers, body, 1531420618)


def test_the_example_of_standard_webhooks():
    """The specification of Standard Webhooks, its reference libraries."""
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    checked = check("standard-webhooks", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    checked.verify(headers, b'{"test": 2432232314}', 1614265330)
    with pytest.raises(InvalidSignature):
        checked.verify(headers, b'{"test": 1}', 1614265330)


def test_a_key_in_base64():
    key = b"k" * 32
    signed = b64(hmac.new(key, BODY, hashlib.sha256).digest())
    check("teams", b64(key)).verify({"Authorization": f"HMAC {signed}"}, BODY, NOW)


def test_none_takes_everything():
    SignatureSettings.model_validate("none").check(()).verify({}, BODY, NOW)


def test_sorted_parts():
    """The signature of WeCom and DingTalk callbacks: SHA-1 over the sorted parts."""
    parts = ["token", "1796030100", "nonce", "Encrypted=="]
    expected = hashlib.sha1(b"1796030100Encrypted==noncetoken").hexdigest()
    assert sorted_digest(parts) == sorted_digest(parts[::-1]) == expected


@pytest.mark.parametrize(
    ("settings", "secrets", "words"),
    [
        ("unheard-of", (SECRET,), "must be one of none"),
        ("github", (), "secrets"),
        ("standard-webhooks", (), "secrets"),
        ("github", ("short",), "characters"),
        ("teams", ("no base64 at all!",), "base64"),
        ("standard-webhooks", ("whsec_%%%",), "base64"),
        ({"scheme": "github", "content": "{header:X-Time}"}, (SECRET,), "{body}"),
        ({"scheme": "github", "content": "{boddy}{body}"}, (SECRET,), "braces"),
        ({"scheme": "github", "algorithm": "crc32"}, (SECRET,), "algorithm"),
        ({"scheme": "standard-webhooks", "header": "X"}, (SECRET,), "leave out header"),
        ({"scheme": "feishu", "content": "{body}"}, (SECRET,), "{secret}"),
        ("hubspot", (SECRET,), "address"),
    ],
)
def test_what_cannot_work_is_refused_with_the_remedy_and_without_the_secret(settings, secrets, words):
    with pytest.raises(InvalidSettings) as caught:
        SignatureSettings.model_validate(settings).check(secrets)
    assert words in caught.value.message
    assert not any(secret in caught.value.message for secret in secrets)


def test_every_scheme_has_a_test():
    tested = {scheme_of(settings) for settings, _ in SIGNED} | {"none", "teams", "standard-webhooks"}
    assert tested == set(NAMES)
