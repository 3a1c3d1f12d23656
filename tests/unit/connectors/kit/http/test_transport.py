"""What answers, and addresses, mean."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx2
import pytest

from answerby_connectors.kit.base import InvalidSettings, OutcomeKind
from answerby_connectors.kit.http.addresses import is_public
from answerby_connectors.kit.http.transport import check_url, outcome_of_status, retry_after

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "60"}, 60.0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "Mon, 05 Jan 2026 09:02:00 GMT"}, 120.0),
        ({"Retry-After": "Mon, 05 Jan 2026 08:00:00 GMT"}, 0.0),
        ({"Retry-After": "99999999"}, 86_400.0),
        ({"RateLimit-Reset": "7"}, 7.0),
        ({"Retry-After": "3", "RateLimit-Reset": "7"}, 3.0),
        ({"RateLimit-Reset": "7", "x-ogw-ratelimit-reset": "4"}, 4.0),
        ({"X-RateLimit-Reset": "1767603690"}, 90.0),
        ({"X-RateLimit-Reset": "1767603690500"}, 90.5),
        ({"X-RateLimit-Reset": "2026-01-05T09:00Z"}, 0.0),
        ({"X-RateLimit-Reset": "2026-01-05T10:01:30.000+01:00"}, 90.0),
        ({"Retry-After": "soon", "X-RateLimit-Reset": "7"}, 7.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait(headers, seconds):
    assert retry_after(httpx2.Headers(headers), NOW) == seconds


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, OutcomeKind.DONE),
        (202, OutcomeKind.DONE),
        (204, OutcomeKind.DONE),
        (302, OutcomeKind.FAILED),
        (400, OutcomeKind.FAILED),
        (404, OutcomeKind.FAILED),
        (408, OutcomeKind.RETRY),
        (410, OutcomeKind.FAILED),
        (422, OutcomeKind.FAILED),
        (429, OutcomeKind.RETRY),
        (500, OutcomeKind.UNKNOWN),
        (502, OutcomeKind.UNKNOWN),
        (503, OutcomeKind.RETRY),
        (504, OutcomeKind.UNKNOWN),
    ],
)
def test_what_a_status_means(status, kind):
    assert outcome_of_status(httpx2.Response(status)).kind is kind


@pytest.mark.parametrize(
    "address",
    ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::93.184.215.14", "::ffff:93.184.215.14"],
)
def test_public_addresses(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "127.8.8.8",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
        ),
        *("224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1%eth0", "fc00::1", "ff02::1"),
        *(
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "2002:7f00:1::",
            "::127.0.0.1",
            "::93.184.215.14",
            "::ffff:0:127.0.0.1",
        ),
        *("64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::93.184.215.14"),
        *("fec0::1", "feff::1", "100::1", "5f00::1", "2001:db8::1", "3fff::1", "192.88.99.1", "198.18.0.1"),
        *("2001:0:5db8:d70e:0:0:80ff:fffe", "2606:2800:21f:cb07:0:5efe:7f00:1", "2606:2800::200:5efe:a00:1"),
    ],
)
def test_addresses_that_are_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("url", ["ftp://a.example", "https://", "http://user:pw@a.example/", "a.example/hook", ""])
def test_urls_that_are_refused(url):
    with pytest.raises(InvalidSettings) as caught:
        check_url(url)
    assert "pw" not in caught.value.message
