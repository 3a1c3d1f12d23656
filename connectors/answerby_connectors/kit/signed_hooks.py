"""Webhooks that a platform signs by a scheme of `kit/signing`, and JSON bodies of theirs."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from pydantic import Field as Setting

from answerby.domain.errors import FieldViolation, InvalidInput
from answerby_connectors.kit.base import InvalidSignature
from answerby_connectors.kit.hooked import HookedDesk
from answerby_connectors.kit.platform import S
from answerby_connectors.kit.settings import DeskSettings
from answerby_connectors.kit.signing.signature_schemes import SignatureSettings


class SignedSettings(DeskSettings):
    """The settings of a desk whose webhooks are signed."""

    webhook_secrets: tuple[str, ...] = Setting((), repr=False, description="Secrets of webhooks, the newest first.")


class SignedHooks(HookedDesk[S]):
    """A desk that takes webhooks by their signatures."""

    settings: S

    @property
    @abstractmethod
    def signature(self) -> SignatureSettings:
        """The scheme of the platform's webhooks."""

    @property
    def secrets(self) -> Sequence[str]:
        """The secrets that count. Without any, no webhook is taken."""
        settings = self.settings
        assert isinstance(settings, SignedSettings)
        return settings.webhook_secrets

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Raises InvalidSignature unless the webhook is from the platform."""
        if not self.secrets:
            raise InvalidSignature("no webhook can be proved; set webhook_secrets and what else its page names")
        self.signature.check(self.secrets).verify(headers, body, time.time())


def objects_in(body: bytes) -> list[dict[str, Any]]:
    """The objects of a body that is a list. Members of another kind are left out. Raises InvalidInput."""
    try:
        return [one for one in msgspec.json.decode(body, type=list[Any]) if isinstance(one, dict)]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput([FieldViolation("body", str(error))]) from error
