"""The `generic` connector: takes the webhooks of any platform, by a mapping file and a signature by name.

Settings:
    mapping_file    a YAML file that says which events a body holds; read again when it changes.
    signature       a scheme by its name, such as github, or a table with what is otherwise; see kit/signature_schemes.
    secrets         one or more secrets of the signature; any of them may have signed, so that a secret can be replaced.

The connector only brings events. What is written back goes out by another connector of the same sources.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import orjson
from pydantic import Field

from answerby.domain.errors import FieldViolation, InvalidInput
from answerby.domain.event import Event
from answerby_connectors.kit.base import (
    Delivery,
    Guarantee,
    InvalidSettings,
    Manifest,
    Outcome,
    OutcomeKind,
    Settings,
    parse_settings,
)
from answerby_connectors.kit.hook_mapping.mapping import HookMapping
from answerby_connectors.kit.hook_mapping.reader import read_mapping
from answerby_connectors.kit.signing.signature_schemes import SignatureSettings

FORM = "application/x-www-form-urlencoded"
ONLY_IN = Outcome(
    OutcomeKind.FAILED, "the connector only brings events; give its sources to another connector, such as webhook"
)


class GenericSettings(Settings):
    mapping: str = Field(min_length=1)
    signature: SignatureSettings
    secrets: tuple[str, ...] = Field(default=(), repr=False)


class GenericConnector:
    """Turns webhooks into events by its mapping."""

    def __init__(self, name: str, settings: Mapping[str, object], clock: Callable[[], float] = time.time) -> None:
        given = parse_settings(GenericSettings, name, settings)
        self._clock = clock
        self._check = given.signature.check(given.secrets)
        self._mapping = _mapping_of(name, given.mapping)
        self.manifest = Manifest(
            name=name,
            effects=frozenset(),
            guarantee=Guarantee.AT_LEAST_ONCE,
            inbound=True,
            description="Takes webhooks of any platform by a mapping file. Writes nothing back.",
        )

    def receive(self, headers: Mapping[str, str], body: bytes) -> list[Event]:
        self._check.verify(headers, body, self._clock())
        return self.read(headers, body)

    def read(self, headers: Mapping[str, str], body: bytes) -> list[Event]:
        now = datetime.fromtimestamp(self._clock(), UTC)
        return self._mapping.read(_content(headers, body), body, now)

    async def complete(self, event: Event) -> Event:
        return event

    async def deliver(self, delivery: Delivery) -> Outcome:
        del delivery
        return ONLY_IN

    async def close(self) -> None:
        return None


def _mapping_of(name: str, text: str) -> HookMapping:
    """Raises InvalidSettings with every mistake."""
    result = read_mapping(text)
    if result.mapping is None:
        mistakes = "\n".join(f"  {problem}" for problem in result.problems)
        raise InvalidSettings(f"the mapping of connector {name!r} has mistakes:\n{mistakes}")
    return result.mapping


def _content(headers: Mapping[str, str], body: bytes) -> Any:
    """The body as JSON, or the fields of a form. Raises InvalidInput.

    Some senders, such as curl, call JSON a form unless told otherwise. No form begins with a bracket.
    """
    kind = next((value for key, value in headers.items() if key.lower() == "content-type"), "")
    if kind.partition(";")[0].strip().lower() == FORM and not body.lstrip().startswith((b"{", b"[")):
        try:
            fields = parse_qs(body.decode(), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=1000)
        except ValueError as error:
            raise InvalidInput([FieldViolation("body", "is no form of UTF-8 text")]) from error
        return {field: values[0] if len(values) == 1 else values for field, values in fields.items()}
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput([FieldViolation("body", f"is no JSON: {error.msg}")]) from error
