"""Mappings of webhooks: what becomes of a body, worked out by hand."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from textwrap import indent
from typing import Any

import pytest

from answerby.domain.errors import InvalidInput
from answerby.domain.event import ActorRole, Event
from answerby_connectors.kit.hook_mapping.paths import MISSING, parse_path
from answerby_connectors.kit.hook_mapping.reader import read_mapping

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
BODY: dict[str, Any] = {
    "event": "ticket.created",
    "account": {"id": 9},
    "ticket": {
        "id": 4711,
        "key": "OPS-7",
        "subject": "充电时冒烟",
        "created": "05.01.2026 09:00",
        "epoch": 1767600000,
        "priority": 1,
        "vip": True,
        "nothing": None,
        "tags": [{"name": "fire"}, {"name": "battery"}, {"other": 1}],
        "fields": [{"id": 36, "value": "gold"}, {"id": 37, "value": None}],
        "a.b": {"c": 5},
    },
    "comments": [
        {"id": 1, "by": {"id": 3, "role": "client"}, "text": "hello", "at": "2026-01-05T10:00:00+08:00"},
        {"id": 2, "by": {"id": 4, "role": "staff"}, "text": "hi", "at": "2026-01-05T03:00:00Z"},
    ],
}
CREATED = """
- when: {event: ticket.created}
  type: request.received
  id: "{ticket.id}/created"
  request: "{ticket.key}"
  time: {path: ticket.created, format: "%d.%m.%Y %H:%M", zone: Europe/Berlin}
"""


def events(entries: str, body: Any = BODY, head: str = "source: crm/acme") -> list[Event]:
    text = f"webhook:\n{indent(head, '  ')}\n  events:\n{indent(entries.strip(), '    ')}\n"
    result = read_mapping(text)
    assert result.mapping is not None, result.problems
    return result.mapping.read(body, json.dumps(body).encode(), NOW)


def facts(lines: str, body: Any = BODY) -> dict[str, Any]:
    (event,) = events(f"{CREATED}  facts:\n{indent(lines, '    ')}", body)
    return event.data


def test_an_event_of_a_body():
    (event,) = events(
        CREATED + '  actor_id: "{account.id}"\n  facts: {text.subject: "{ticket.subject}", channel: web}\n'
    )
    assert event == Event(
        source="crm/acme",
        id="4711/created",
        type="request.received",
        time=datetime(2026, 1, 5, 8, 0, tzinfo=UTC),
        request_id="OPS-7",
        actor=ActorRole.CUSTOMER,
        actor_id="9",
        data={"text.subject": "充电时冒烟", "channel": "web"},
    )


def test_several_events_of_one_body_with_a_list_whose_members_are_events():
    found = events(
        CREATED
        + """
- each: comments
  type: {path: by.role, values: {client: request.customer_replied, staff: request.replied}}
  source: "crm/acme/{$.account.id}"
  id: "comment/{id}"
  request: "{$.ticket.key}"
  time: "{at}"
  actor: {path: by.role, values: {client: customer, staff: agent}}
  actor_id: "{by.id}"
  facts: {text.body: "{text}"}
"""
    )
    assert [(e.id, e.type, e.actor, e.actor_id, e.source, e.time.isoformat()) for e in found] == [
        ("4711/created", "request.received", "customer", "", "crm/acme", "2026-01-05T08:00:00+00:00"),
        ("comment/1", "request.customer_replied", "customer", "3", "crm/acme/9", "2026-01-05T02:00:00+00:00"),
        ("comment/2", "request.replied", "agent", "4", "crm/acme/9", "2026-01-05T03:00:00+00:00"),
    ]
    assert {e.request_id for e in found} == {"OPS-7"}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('tags: "{ticket.tags[].name}"', {"tags": ["fire", "battery"]}),
        ('tier: "{ticket.fields[id=36].value}"', {"tier": "gold"}),
        ('tier: "{ticket.fields[id=37].value}"', {}),
        ('tier: {path: "ticket.fields[id=99].value", default: none}', {"tier": "none"}),
        ('first: "{ticket.tags[0].name}"', {"first": "fire"}),
        ('last: "{comments[-1].text}"', {"last": "hi"}),
        ("odd: '{ticket[\"a.b\"].c}'", {"odd": 5}),
        ('odd: "{ticket.nope}"', {}),
        ('odd: "{ticket.nothing}"', {}),
        ('vip: "{ticket.vip}"', {"vip": True}),
        ('text: "{ticket.key}: {ticket.subject} ({ticket.vip})"', {"text": "OPS-7: 充电时冒烟 (true)"}),
        ('text: "{{{ticket.id}}}"', {"text": "{4711}"}),
        ("priority: {path: ticket.priority, values: {1: P0, 2: P1}}", {"priority": "P0"}),
        ("priority: {path: ticket.priority, values: {2: P1}, otherwise: P3}", {"priority": "P3"}),
        ("priority: {path: ticket.priority, values: {2: P1}}", {"priority": 1}),
        ("vip: {path: ticket.vip, values: {true: gold}}", {"vip": "gold"}),
        ("tags: {path: 'ticket.tags[].name', values: {fire: safety}}", {"tags": ["safety", "battery"]}),
        ("at: {path: ticket.epoch, format: epoch}", {"at": "2026-01-05T08:00:00+00:00"}),
        ("at: {path: ticket.created, format: '%d.%m.%Y %H:%M', zone: Asia/Shanghai}", {"at": "2026-01-05T01:00:00+00:00"}),
        ("channel: web\nnumber: 5\nyes: true\nlist: [a, 1]", {"channel": "web", "number": 5, "yes": True, "list": ["a", "1"]}),
    ],
)  # fmt: skip
def test_a_fact_of_every_kind(line, expected):
    assert facts(line) == expected


@pytest.mark.parametrize(
    ("condition", "applies"),
    [
        ("when: {event: ticket.created}", True),
        ("when: {event: [ticket.updated, ticket.created]}", True),
        ("when: {event: ticket.updated}", False),
        ("when: {ticket.priority: 1, ticket.vip: true}", True),
        ("when: {ticket.priority: 1, ticket.vip: false}", False),
        ("when: {'ticket.tags[].name': fire}", True),
        ("when: {ticket.nothing: '*'}", False),
        ("when: {ticket.id: '*'}", True),
        ("when: {ticket.nope: null}", True),
        ("unless: {account.id: 9}", False),
        ("unless: {account.id: [1, 2]}", True),
    ],
)
def test_an_event_comes_only_under_its_conditions(condition, applies):
    assert len(events(f'- {condition}\n  type: request.received\n  request: "{{ticket.key}}"')) == applies


def test_without_an_id_the_same_body_is_the_same_event_and_without_a_time_it_happened_now():
    entry = '- type: request.received\n  request: "{ticket.key}"'
    (first,), (again,) = events(entry), events(entry)
    assert first == again
    assert first.time == NOW
    (other,) = events(entry, {**BODY, "event": "other"})
    assert other.id != first.id


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ('- type: request.received\n  request: "{ticket.nope}"', "request"),
        ('- type: request.received\n  request: "{ticket.tags}"', "request"),
        ('- type: request.received\n  request: "x"\n  time: "{ticket.created}"', "time"),
        ('- type: request.received\n  request: "x"\n  time: "{ticket.nope}"', "time"),
        ('- type: request.received\n  request: "x"\n  actor: "{comments[0].by.role}"', "actor"),
        ('- type: request.received\n  request: "x"\n  facts: {a: "{ticket.fields}"}', "facts.a"),
        ('- type: request.received\n  request: "x"\n  facts: {a: "{ticket}"}', "facts.a"),
        ('- type: request.received\n  request: "x"\n  facts: {a: {path: ticket.id, format: "%d"}}', "facts.a"),
    ],
)
def test_a_body_that_lacks_what_is_needed_is_refused_with_the_line_of_the_mapping_and_no_value(entry, field):
    with pytest.raises(InvalidInput) as caught:
        events(entry)
    (violation,) = caught.value.violations
    assert violation.field == field
    assert "(mapping, line 4)" in violation.description
    assert not any(text in violation.description for text in ("4711", "OPS-7", "充电", "client"))


@pytest.mark.parametrize("body", [None, 5, "text", [], {}, [1], {"ticket": []}, {"ticket": {"key": {}}}])
def test_bodies_of_any_shape_are_refused_or_empty_and_never_fail(body):
    entry = '- type: request.received\n  request: "{ticket.key}"\n  facts: {a: "{x[0].y[k=v].z[].w}"}'
    with pytest.raises(InvalidInput):
        events(entry, body)
    assert events(entry.replace("- type", "- each: list\n  type"), body) == []


def test_a_body_with_too_many_events_is_refused():
    entry = '- each: rows\n  type: request.received\n  request: "{id}"'
    assert len(events(entry, {"rows": [{"id": n} for n in range(500)]})) == 500
    with pytest.raises(InvalidInput, match="500"):
        events(entry, {"rows": [{"id": n} for n in range(501)]})


@pytest.mark.parametrize(
    "text", ["", ".", "a.", ".a", "a..b", "a b", "a[", "a]b", "a[b", "a{b}", "[x=y", '[""]', "$x", "a[1.5]"]
)
def test_what_is_no_path_is_refused(text):
    with pytest.raises(ValueError, match="path"):
        parse_path(text)


def test_places_that_are_not_there_are_missing():
    assert parse_path("a.b").find({"a": 5}, None) is MISSING
    assert parse_path("a[3]").find({"a": [1]}, None) is MISSING
    assert parse_path("$").find(1, {"x": 2}) == {"x": 2}
    assert parse_path("$.x").find(1, {"x": 2}) == 2
