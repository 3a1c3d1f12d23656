"""The `webhook` connector: a CloudEvents 1.0 JSON body, signed by Standard Webhooks 1.0, posted to a URL.

Settings:
    url             the target of the posts; https in production.
    secrets         one or more `whsec_<base64>`; each secret signs, so that a receiver can change over.
    timeout         seconds to connect, and seconds to wait for each part of the answer; default 10.
    allow_private   post to addresses that are not public (loopback, internal networks); default false.
    source          the CloudEvents source; default `/answerby/<tenant>`.

Both `webhook-id` and the CloudEvents `id` are the effect id. The ids and the body stay the same over all attempts. The
receiver keeps known ids and drops repeats, so an attempt with a lost answer may be sent again. Any 2xx means done.
408, 425, 429 and 503 are tried again after `Retry-After`. 401, 403 and 410 hold the connector: its effects wait until
an operator lets it go on. Other 4xx and redirects are final.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC

import httpx2
import orjson
from pydantic import Field

from answerby.domain.effect import EffectKind
from answerby_connectors.kit.base import (
    LEASE_OVER,
    Delivery,
    Guarantee,
    Manifest,
    Outcome,
    OutcomeKind,
    Settings,
    parse_settings,
)
from answerby_connectors.kit.http.addresses import AddressRefused
from answerby_connectors.kit.http.transport import (
    check_url,
    make_client,
    outcome_of_error,
    outcome_of_status,
)
from answerby_connectors.kit.signing.standard_webhooks import decode_secret, sign

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
ENDPOINT_REFUSES = {
    401: "the receiver does not accept the secret or the caller; correct the secrets or the receiver",
    403: "the receiver does not let answerby in; correct the receiver or what is in front of it",
    410: "the receiver is gone for good; correct the URL",
}
"""Statuses that refuse every effect alike, and the remedy. 410 of a Standard Webhooks receiver means: never again."""
EVENT_TYPES = {
    EffectKind.UPDATE_REQUEST: "dev.answerby.decision.v1",
    EffectKind.NOTIFY: "dev.answerby.notification.v1",
    EffectKind.CREATE_TASK: "dev.answerby.task.v1",
    EffectKind.OPEN_CASE: "dev.answerby.case.v1",
}


class WebhookSettings(Settings):
    url: str
    secrets: tuple[str, ...] = Field(min_length=1, repr=False)
    timeout: float = Field(10.0, gt=0, le=300, description="Seconds.")
    allow_private: bool = False
    source: str = ""


class WebhookConnector:
    """Posts effects to a URL."""

    def __init__(self, name: str, settings: Mapping[str, object], clock: Callable[[], float] = time.time) -> None:
        self._settings = parse_settings(WebhookSettings, name, settings)
        self._url = check_url(self._settings.url)
        self._keys = [decode_secret(secret) for secret in self._settings.secrets]
        self._clock = clock
        self._client = make_client(self._settings.timeout, allow_private=self._settings.allow_private)
        self.manifest = Manifest(
            name=name,
            effects=frozenset(EffectKind),
            guarantee=Guarantee.AT_LEAST_ONCE,
            inbound=False,
            description="Posts a signed CloudEvent per effect; the receiver drops repeats by webhook-id.",
        )

    async def deliver(self, delivery: Delivery) -> Outcome:
        body = orjson.dumps(cloud_event(delivery, self._settings.source))
        headers = sign(self._keys, delivery.effect_id, int(self._clock()), body)
        headers["content-type"] = CONTENT_TYPE
        if not delivery.leased():
            return LEASE_OVER
        try:
            response = await self._client.post(self._url, content=body, headers=headers)
        except httpx2.TransportError as error:
            return outcome_of_error(error)
        except AddressRefused as error:
            return Outcome(OutcomeKind.HELD, error.message)
        if response.status_code in ENDPOINT_REFUSES:
            # It concerns every effect. To give them all up would empty the queue into the dead letters.
            return Outcome(OutcomeKind.HELD, f"HTTP {response.status_code}: {ENDPOINT_REFUSES[response.status_code]}")
        return outcome_of_status(response)

    async def close(self) -> None:
        await self._client.aclose()


def cloud_event(delivery: Delivery, source: str = "") -> dict[str, object]:
    """The effect in CloudEvents structured mode.

    The bytes depend on the effect only, so a repeat has the same bytes.
    """
    effect = delivery.effect
    event: dict[str, object] = {
        "specversion": "1.0",
        "id": delivery.effect_id,
        "source": source or f"/answerby/{delivery.tenant}",
        "type": EVENT_TYPES[effect.kind],
        "subject": delivery.request_id,
        "datacontenttype": "application/json",
        "data": {
            "tenant": delivery.tenant,
            "request_id": delivery.request_id,
            "number": delivery.number,
            "sequence": delivery.sequence,
            "source": delivery.source,
            "kind": effect.kind,
            "key": effect.key,
            "role": effect.role,
            "urgent": effect.urgent,
            "payload": effect.payload,
        },
    }
    if delivery.created is not None:
        event["time"] = delivery.created.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return event
