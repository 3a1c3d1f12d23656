"""Signatures against a folder of vendors' example values, where `ANSWERBY_TEST_VENDOR_SPECS` names one.

The folder holds `signature-vectors.json`: values with secret, body, headers and the expected signature. What a callback
encrypts is no matter of its signature, so there the signature over the encrypted text is compared.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from xml.etree import ElementTree as ET

import pytest

from answerby_connectors.kit.base import InvalidSignature
from answerby_connectors.kit.signing.signature_schemes import SignatureSettings
from answerby_connectors.kit.signing.signatures import Encoding, SignatureScheme, sorted_digest

FOLDER = os.environ.get("ANSWERBY_TEST_VENDOR_SPECS", "")
VECTORS: list[dict[str, Any]] = (
    json.loads((Path(FOLDER) / "signature-vectors.json").read_text("utf-8"))["vectors"] if FOLDER else []
)
ROBOT = SignatureScheme(header="sign", encoding=Encoding.BASE64, content="{header:timestamp}\n{secret}")
EMPTY = SignatureScheme(header="sign", encoding=Encoding.BASE64, content="")
BARE = SignatureScheme(header="sign")


def scheme_of(vector: dict[str, Any]) -> str | dict[str, str]:
    """The settings that take the webhook of a vector."""
    match vector["name"].split("-")[:2]:
        case ["hubspot", "v3"]:
            return {
                "scheme": "hubspot",
                "content": f"POST{vector['uri']}{{body}}{{header:X-HubSpot-Request-Timestamp}}",
            }
        case ["hubspot", version]:
            before = "{secret}" + (vector["method"] + vector["uri"] if version == "v2" else "")
            changes = {"method": "digest", "header": "X-HubSpot-Signature", "content": before + "{body}"}
            return {"scheme": "hmac-sha256-hex", **changes}
        case ["standard", _]:
            return "standard-webhooks"
        case [platform, _]:
            return platform
    raise AssertionError(vector["name"])


def taken(vector: dict[str, Any]) -> None:
    """Raises InvalidSignature unless the webhook of the vector is taken at the time at which it was sent."""
    headers = vector.get("headers") or {"X-HubSpot-Signature": vector["expected"]}
    settings = SignatureSettings.model_validate(scheme_of(vector))
    check = settings.check([vector.get("secret") or vector["encrypt_key"]])
    text = vector.get("timestamp", "0")
    sent = datetime.fromisoformat(text).timestamp() if "T" in text else int(text) / (1000 if len(text) > 10 else 1)
    check.verify(headers, vector["body"].encode(), sent)
    with pytest.raises(InvalidSignature):
        check.verify(headers, vector["body"].encode() + b"x", sent)


def encrypted(vector: dict[str, Any]) -> str:
    """The encrypted text that the signature of a callback covers."""
    if found := vector.get("encrypt") or vector.get("echostr"):
        return str(found)
    body = vector.get("body") or vector["expected_response"]
    if body.startswith("<"):
        return ET.fromstring(body).findtext("Encrypt") or ""
    return str(json.loads(body)["encrypt"])


def callback(vector: dict[str, Any]) -> None:
    """The sorted digest of DingTalk and WeCom."""
    query = {name: values[0] for name, values in parse_qs(vector.get("query", "")).items()}
    expected = query.get("msg_signature") or query.get("signature") or vector["expected"]
    assert sorted_digest([vector["token"], vector["timestamp"], vector["nonce"], encrypted(vector)]) == expected


def robot(vector: dict[str, Any]) -> None:
    assert ROBOT.signature({"timestamp": vector["timestamp"]}, b"", vector["secret"]) == vector["expected"]


def feishu_bot(vector: dict[str, Any]) -> None:
    key = f"{vector['timestamp']}\n{vector['secret']}"
    assert EMPTY.signature({}, b"", key) == vector["expected"]


def challenge(vector: dict[str, Any]) -> None:
    assert BARE.signature({}, vector["query"]["crc_token"].encode(), vector["secret"]) == vector["expected"]


def unsigned(vector: dict[str, Any]) -> None:
    """The one request of Feishu that carries no signature is no event, and the check refuses it."""
    with pytest.raises(InvalidSignature):
        SignatureSettings.model_validate("feishu").check([vector["encrypt_key"]]).verify({}, vector["body"].encode(), 0)


OTHERWISE: dict[str, Callable[[dict[str, Any]], None]] = {
    "glpi-challenge": challenge,
    "dingtalk-custom-robot": robot,
    "dingtalk-robot-http-receive": robot,
    "feishu-custom-bot": feishu_bot,
    "feishu-url-verification": unsigned,
    "dingtalk-callback-published": callback,
    "dingtalk-callback": callback,
    "dingtalk-callback-answer": callback,
    "wecom-callback": callback,
    "wecom-echostr": callback,
    "wecom-callback-published": callback,
}


@pytest.mark.skipif(not VECTORS, reason="ANSWERBY_TEST_VENDOR_SPECS names no folder of vendors' examples")
@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_the_value_of_the_vendor(vector):
    OTHERWISE.get(vector["name"], taken)(vector)
