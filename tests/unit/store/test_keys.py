"""Key names: one hash tag, no collisions, nothing personal."""

from __future__ import annotations

import inspect
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerby.domain.errors import InvalidInput
from answerby.store import keys
from answerby.store.key_types import type_of
from answerby.store.keys import TenantKeys, supersedes_digest, target_of, tenant_keys

ARGUMENTS = {"source": "crm", "event_id": "e1", "by": "customer.id", "value": "张三", "category": "投诉", "prefix": "p"}


def all_keys(tenant: str) -> list[str]:
    keys = tenant_keys(tenant)
    names = [value for name, value in vars(keys).items() if not name.startswith("_") and name != "tenant"]
    for name, method in inspect.getmembers(keys, inspect.ismethod):
        if not name.startswith("_"):
            parameters = inspect.signature(method).parameters
            names.append(method(*(ARGUMENTS.get(parameter, "x") for parameter in parameters)))
    return names


def test_every_key_carries_the_tag_of_its_tenant_and_they_all_differ() -> None:
    names = all_keys("acme")
    assert len(names) > 20
    assert len(set(names)) == len(names)
    assert all(name.startswith("ab:{acme}:") for name in names)
    assert not set(names) & set(all_keys("acme2"))


def test_the_type_of_every_key_is_known() -> None:
    assert {type_of(name) for name in all_keys("acme")} == {"string", "hash", "list", "set", "zset", "stream"}
    shared = [value for name, value in vars(keys).items() if name.isupper() and not name.startswith("_")]
    assert all(type_of(name) for name in shared)
    assert [type_of(name) for name in ("ab:other", "ab:{acme}:other", "elsewhere", "")] == [""] * 4


def test_customer_and_event_identities_are_not_readable() -> None:
    keys = tenant_keys("acme")
    assert "张三" not in keys.window("customer.id", "张三", "complaint")
    assert "secret" not in keys.idempotency("secret", "secret")


def test_pairs_that_join_to_the_same_text_have_different_keys() -> None:
    keys = tenant_keys("acme")
    assert keys.idempotency("ab", "c") != keys.idempotency("a", "bc")
    assert keys.window("ab", "c", "x") != keys.window("a", "bc", "x")


HOSTILE = st.lists(
    st.sampled_from(
        ["KD", ":", "ev", "dec", "request", "{", "}", "\n", "\x00", "\x1f", " ", "é", "e\u0301", "投诉", "x" * 300]
    ),
    max_size=4,
).map("".join)


@given(st.lists(HOSTILE, min_size=2, max_size=6, unique=True))
def test_no_id_whatever_it_is_makes_two_keys_one(names: list[str]) -> None:
    """Of every kind of key that has a free part, and of those that have none."""
    keys = tenant_keys("acme")
    made = [value for name, value in vars(keys).items() if not name.startswith("_") and name != "tenant"]
    for name, method in inspect.getmembers(keys, inspect.ismethod):
        if name.startswith("_"):
            continue
        parameters = list(inspect.signature(method).parameters)
        made += [method(*choice) for choice in itertools.product(names, repeat=len(parameters))]
    assert len(made) == len(set(made))
    assert all(key.startswith("ab:{acme}:") for key in made)


def test_a_request_id_cannot_break_the_tag() -> None:
    assert tenant_keys("acme").request("}{other}").startswith("ab:{acme}:")


@pytest.mark.parametrize("tenant", ["", "a{b", "a}b", "{}"])
def test_a_tenant_that_would_break_the_tag_is_refused(tenant: str) -> None:
    with pytest.raises(InvalidInput, match="tenant"):
        TenantKeys(tenant)


def test_parts_of_queue_members_have_fixed_width_and_no_separator() -> None:
    widths = {len(target_of(request_id)) for request_id in ("", "a:b", "中文" * 100)}
    assert widths == {32}
    assert supersedes_digest("") == "-"
    assert len(supersedes_digest("a:b")) == 16
    assert ":" not in target_of("a:b") + supersedes_digest("a:b")
