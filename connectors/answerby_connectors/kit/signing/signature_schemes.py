"""The signatures of known platforms, by name. Each line says where the fact is from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydantic import BaseModel, ConfigDict, Field, model_validator

from answerby_connectors.kit.base import InvalidSettings
from answerby_connectors.kit.signing.signatures import (
    NO_SECRET,
    PATH_SECRET,
    Encoding,
    KeyForm,
    Method,
    SignatureScheme,
    TimeUnit,
)
from answerby_connectors.kit.signing.standard_webhooks import decode_secret, verify

STANDARD_WEBHOOKS = "standard-webhooks"
"""Standard Webhooks 1.0, which has several signatures in one header. `kit/signing/standard_webhooks.py` checks them."""

SCHEMES: Mapping[str, SignatureScheme] = {
    # Nothing is signed: for a network that only the platform reaches.
    "none": SignatureScheme(),
    # POST /hook/<name>/<secret>: for a platform that can only be given a URL.
    "secret-path": SignatureScheme(header=PATH_SECRET, method=Method.EQUAL),
    # A header that holds the secret itself: Freshdesk automations, ServiceNow business rules. `header` names it.
    "secret-header": SignatureScheme(header="X-Secret", method=Method.EQUAL),
    "hmac-sha256-hex": SignatureScheme(header="X-Signature"),
    "hmac-sha256-base64": SignatureScheme(header="X-Signature", encoding=Encoding.BASE64),
    "hmac-sha1-hex": SignatureScheme(header="X-Signature", algorithm="sha1"),
    "hmac-sha1-base64": SignatureScheme(header="X-Signature", algorithm="sha1", encoding=Encoding.BASE64),
    # docs.github.com, "Validating webhook deliveries". Jira's admin webhooks and WebSub sign the same way.
    "github": SignatureScheme(header="X-Hub-Signature-256", prefix="sha256="),
    # developer.atlassian.com, "Webhooks", secure admin webhooks.
    "jira": SignatureScheme(header="X-Hub-Signature", prefix="sha256="),
    # api.slack.com, "Verifying requests from Slack".
    "slack": SignatureScheme(
        header="X-Slack-Signature",
        prefix="v0=",
        content="v0:{header:X-Slack-Request-Timestamp}:{body}",
        timestamp="X-Slack-Request-Timestamp",
    ),
    # developer.zendesk.com, "Verifying webhooks". The timestamp is ISO text.
    "zendesk": SignatureScheme(
        header="X-Zendesk-Webhook-Signature",
        encoding=Encoding.BASE64,
        content="{header:X-Zendesk-Webhook-Signature-Timestamp}{body}",
        timestamp="X-Zendesk-Webhook-Signature-Timestamp",
        unit=TimeUnit.ISO,
    ),
    # Chatwoot's source, lib/webhooks; releases up to 4.8 sign nothing.
    "chatwoot": SignatureScheme(
        header="X-Chatwoot-Signature",
        prefix="sha256=",
        content="{header:X-Chatwoot-Timestamp}.{body}",
        timestamp="X-Chatwoot-Timestamp",
    ),
    # Zammad's source, lib/user_agent.rb.
    "zammad": SignatureScheme(header="X-Hub-Signature", algorithm="sha1", prefix="sha1="),
    # GLPI 11's source, Webhook.php. The time is that of queueing, so an old one proves nothing.
    "glpi": SignatureScheme(
        header="X-GLPI-signature",
        content="{body}{header:X-GLPI-timestamp}",
        timestamp="X-GLPI-timestamp",
        tolerance=0.0,
    ),
    # Redmine 7's source, webhook.rb.
    "redmine": SignatureScheme(header="X-Redmine-Signature-256", prefix="sha256="),
    # Frappe's source, webhook.py.
    "frappe": SignatureScheme(header="X-Frappe-Webhook-Signature", encoding=Encoding.BASE64),
    # Public re-statements of FreeScout's module; the key is the hex MD5 of APP_KEY + "webhook_key".
    "freescout": SignatureScheme(header="X-FreeScout-Signature", algorithm="sha1", encoding=Encoding.BASE64),
    # learn.microsoft.com, "Create an outgoing webhook" of Teams.
    "teams": SignatureScheme(header="Authorization", prefix="HMAC ", encoding=Encoding.BASE64, key=KeyForm.BASE64),
    # open.feishu.cn, "Configure event subscriptions": the secret is the encrypt key.
    "feishu": SignatureScheme(
        header="X-Lark-Signature",
        method=Method.DIGEST,
        content="{header:X-Lark-Request-Timestamp}{header:X-Lark-Request-Nonce}{secret}{body}",
        timestamp="X-Lark-Request-Timestamp",
    ),
    # developers.hubspot.com, "Validating requests". `content` has to name the address that HubSpot posts to.
    "hubspot": SignatureScheme(
        header="X-HubSpot-Signature-v3",
        encoding=Encoding.BASE64,
        content="POST{body}{header:X-HubSpot-Request-Timestamp}",
        timestamp="X-HubSpot-Request-Timestamp",
        unit=TimeUnit.MILLISECONDS,
    ),
}
NAMES: Sequence[str] = (*SCHEMES, STANDARD_WEBHOOKS)


class SignatureSettings(BaseModel):
    """The signature in the settings of a connector: a scheme by its name, and what is otherwise than there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scheme: str
    header: str | None = None
    method: Method | None = None
    algorithm: str | None = None
    encoding: Encoding | None = None
    prefix: str | None = None
    content: str | None = None
    key: KeyForm | None = None
    timestamp: str | None = None
    unit: TimeUnit | None = None
    tolerance: float | None = Field(default=None, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, value: object) -> object:
        return {"scheme": value} if isinstance(value, str) else value

    def check(self, secrets: Sequence[str]) -> SignatureCheck:
        """Raises InvalidSettings. The message names the remedy and no secret."""
        changes = self.model_dump(exclude={"scheme"}, exclude_none=True)
        if self.scheme == STANDARD_WEBHOOKS:
            if changes:
                raise InvalidSettings(f"signature {self.scheme}: leave out {', '.join(changes)}; it has one form")
            return SignatureCheck(None, secrets)
        known = SCHEMES.get(self.scheme)
        if known is None:
            raise InvalidSettings(f"signature {self.scheme!r}: must be one of {', '.join(NAMES)}")
        scheme = replace(known, **changes)
        if self.scheme == "hubspot" and "http" not in scheme.content:
            raise InvalidSettings(
                "signature hubspot: set content to POST, the address that HubSpot posts to, {body} and "
                "{header:X-HubSpot-Request-Timestamp}, as HubSpot signs the address too"
            )
        return SignatureCheck(scheme, secrets)


class SignatureCheck:
    """The check of the webhooks of one connector."""

    def __init__(self, scheme: SignatureScheme | None, secrets: Sequence[str]) -> None:
        """`scheme`: None for Standard Webhooks. Raises InvalidSettings."""
        self._scheme = scheme
        self._secrets = tuple(secrets)
        self._keys: list[bytes] = []
        if scheme is not None:
            scheme.check(self._secrets)
        elif not secrets:
            raise InvalidSettings(NO_SECRET)
        else:
            self._keys = [decode_secret(secret) for secret in secrets]

    def verify(self, headers: Mapping[str, str], body: bytes, now: float) -> None:
        """Raises InvalidSignature unless the signature fits one of the secrets. `now`: Unix time, seconds."""
        if self._scheme is None:
            verify(headers, body, self._keys, now)
        else:
            self._scheme.verify(headers, body, self._secrets, now)
