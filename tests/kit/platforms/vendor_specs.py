"""Judges the requests of connectors by the OpenAPI documents of their platforms.

The documents in `tests/kit/platforms/specs` say what we call, in our own words. `ANSWERBY_TEST_VENDOR_SPECS` may name a folder that has
`<platform>/openapi.json` or `*-openapi.json` of vendors, or `openapi-unofficial.json` of others; those judge as well.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.templating.paths.exceptions import PathNotFound
from werkzeug.datastructures import Headers, ImmutableMultiDict

from answerby_connectors.conformance import Call

OWN = Path(__file__).parent / "specs"
VENDORS = os.environ.get("ANSWERBY_TEST_VENDOR_SPECS")


def documents(platform: str) -> list[Path]:
    """The documents of the platform: ours, and the vendor's where it is to be had."""
    found = [OWN / f"{platform}.json"]
    folder = Path(VENDORS) / platform if VENDORS else None
    return found + (sorted(folder.glob("*openapi*.json")) if folder else [])


def mend(document: dict[str, Any]) -> None:
    """Zendesk's document gives the definition of a custom field where an update has an id and a value, as a ticket has.

    The vendor's page "Creating and updating tickets" has `{"id": ..., "value": ...}` in an update, too.
    """
    schemas = document.get("components", {}).get("schemas", {})
    if "TicketUpdateInput" in schemas:
        right = schemas["TicketObject"]["properties"]["custom_fields"]
        schemas["TicketUpdateInput"]["properties"]["custom_fields"] = right


class Judge:
    """One document. `judged` counts the requests."""

    def __init__(self, document: Path) -> None:
        text = json.loads(document.read_text("utf-8"))
        text["servers"] = [{"url": "/"}]
        mend(text)
        # Vendors' own examples and defaults break the rules for documents, which is not our concern.
        self._openapi = OpenAPI.from_dict(text, config=Config(spec_validator_cls=None))
        self.document = document
        self.judged = 0

    def check(self, call: Call) -> None:
        """Raises an error of openapi-core that names what the document does not allow."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._openapi.validate_request(Request(call))
        self.judged += 1


class Judges:
    """The documents of a vendor that has one for each part of its API. `judged` counts the requests.

    `unknown` are the requests of which no document knows the path.
    """

    def __init__(self, judges: Sequence[Judge]) -> None:
        self._judges = judges
        self.judged = 0
        self.unknown: list[Call] = []

    def check(self, call: Call) -> None:
        """Raises an error of openapi-core that names what the documents do not allow."""
        for judge in self._judges:
            try:
                judge.check(call)
            except PathNotFound:
                continue
            self.judged += 1
            return
        self.unknown.append(call)


def parts(platform: str, pattern: str) -> Judges | None:
    """The vendor's documents of this name; None where they are not to be had."""
    found = sorted((Path(VENDORS) / platform).glob(pattern)) if VENDORS else []
    return Judges([Judge(document) for document in found]) if found else None


class Request:
    """A call in the form that openapi-core asks for."""

    def __init__(self, call: Call) -> None:
        url = urlsplit(call.path)
        self.host_url = "http://platform.test"
        self.path = url.path
        self.method = call.method.lower()
        self.content_type = call.headers.get("content-type", "")
        self.body = call.body or None
        query: Any = ImmutableMultiDict(parse_qsl(url.query))
        self.parameters = RequestParameters(query=query, header=Headers(list(call.headers.items())), cookie={}, path={})
