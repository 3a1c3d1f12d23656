"""Tokens: opaque, and good only for what they were issued for."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerby.domain.errors import InvalidInput, InvalidPageToken
from answerby.store.records import RequestFilter
from answerby.store.tokens import Position, decode_page, decode_position, encode_page, encode_position

POSITION = Position("1696813200000-5", 42)
QUERY = RequestFilter(categories=("投诉",), breached_only=True)


def test_a_position_comes_back_and_is_safe_in_a_url() -> None:
    token = encode_position("acme", POSITION)
    assert decode_position("acme", token) == POSITION
    assert re.fullmatch(r"[A-Za-z0-9_-]+", token)


@given(st.text(st.characters(codec="utf-8"), max_size=50))
def test_a_page_comes_back(request_id: str) -> None:
    assert decode_page("acme", QUERY, encode_page("acme", QUERY, request_id)) == request_id


@given(st.text(max_size=60))
def test_text_that_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        decode_position("acme", text)
    with pytest.raises(InvalidPageToken):
        decode_page("acme", QUERY, text)


@pytest.mark.parametrize("place", range(0, 40, 3))
def test_a_changed_token_is_refused(place: int) -> None:
    token = encode_position("acme", POSITION)
    changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
    with pytest.raises(InvalidInput, match="resume_token"):
        decode_position("acme", changed)


def test_a_token_fits_only_its_tenant_query_and_kind() -> None:
    page = encode_page("acme", QUERY, "R-1")
    for tenant, query in (("globex", QUERY), ("acme", RequestFilter())):
        with pytest.raises(InvalidPageToken):
            decode_page(tenant, query, page)
    with pytest.raises(InvalidInput):
        decode_position("globex", encode_position("acme", POSITION))
    with pytest.raises(InvalidInput):
        decode_position("acme", page)
