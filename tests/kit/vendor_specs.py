"""Judges the requests of connectors by the OpenAPI documents of their platforms.

The documents in `tests/kit/specs` say what we call, in our own words. `ANSWERBY_TEST_VENDOR_SPECS` may name a folder that has
`<platform>/openapi.json` of vendors, or `openapi-unofficial.json` of others; those judge as well.
"""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict

from answerby_connectors.conformance import Call

OWN = Path(__file__).parent / "specs"
VENDORS = os.environ.get("ANSWERBY_TEST_VENDOR_SPECS")


def documents(platform: str) -> list[Path]:
    """The documents of the platform: ours, and the vendor's where it is to be had."""
    found = [OWN / f"{platform}.json"]
    others = (
        [Path(VENDORS) / platform / name for name in ("openapi.json", "openapi-unofficial.json")] if VENDORS else []
    )
    return found + [document for document in others if document.exists()]


class Judge:
    """One document. `judged` counts the requests."""

    def __init__(self, document: Path) -> None:
        text = json.loads(document.read_text("utf-8"))
        text["servers"] = [{"url": "/"}]
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
