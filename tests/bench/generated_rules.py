"""Rule folders of any size for the benches: the shape of real ones, the content made up, the seed fixed."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

from answerby.domain.event import Event

VALUES = ["red", "orange", "yellow", "green", "blue", "violet"]
WORDS = [
    "invoice",
    "parcel",
    "password",
    "refund",
    "broken",
    "退款",
    "发票",
    "故障",
    "投诉",
    "delivery",
    "login",
    "充值",
]

HEAD = """
rulebook:
  stages:
    classification: {hit: most_severe, default: {category: unclassified}, on_error: {category: unclassified}}
    priority: {hit: most_severe, default: {priority: P2}, on_error: {priority: P0}}
    sla: {hit: first}
    routing: {hit: first, default: {department: desk, role: clerk}}
    escalation: {hit: collect}
  roles: {clerk: Clerk, chief: Chief}
  departments: {desk: DSK, lab: LAB}
  numbering: {timezone: UTC, default_code: DSK}
"""
VOCABULARY = """
fields:
  text.subject: {type: text, personal: true}
  text.body: {type: text, personal: true}
  text: {type: text, parts: [text.subject, text.body], personal: true}
  colour: {type: enum, values: [red, orange, yellow, green, blue, violet], default: red}
  shape: {type: enum, values: [red, orange, yellow, green, blue, violet], default: red}
  size: {type: integer, default: 0}
  weight: {type: integer, default: 0}
  urgent: {type: boolean, default: false}
  customer.id: {type: string, personal: true}
  category: {type: enum, values: [unclassified, one, two, three], derived_by: classification}
  tags: {type: set, derived_by: classification}
  priority: {type: enum, values: [P2, P1, P0], derived_by: priority}
  department: {type: enum, values: [desk, lab], derived_by: routing}
  role: {type: enum, values: [clerk, chief], derived_by: routing}
"""
CLOCKS = """
clocks:
  - {id: first_response, because: bench, calendar: office, stop: [request.replied], role: clerk, ladder: standard}
  - {id: resolution, because: bench, calendar: office, stop: [request.completed], pause_while: [on_hold], role: chief}
"""
LADDERS = """
ladders:
  - id: standard
    because: bench
    steps: [{at: 75%, notify: {roles: [clerk]}}, {at: 0m, notify: {roles: [chief]}}]
"""
CALENDAR = """
calendar:
  id: office
  timezone: Asia/Shanghai
  weekly: {mon-fri: ["09:00-12:00", "13:00-18:00"]}
"""
SLA = """
stage: sla
rules:
  - {id: response-urgent, because: bench, rank: 1, when: {priority: P0}, then: {sla.first_response: 1h}}
  - {id: response-other, because: bench, rank: 2, then: {sla.first_response: 8h, sla.resolution: 3bd}}
"""


def write_rules(folder: Path, rules: int, seed: int = 1) -> Path:
    """A folder of `rules` rules and table rows, beside two of sla: half priority rows, the rest text and routing."""
    chance = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {
        "rulebook": HEAD,
        "vocabulary": VOCABULARY,
        "clocks": CLOCKS,
        "ladders": LADDERS,
        "calendar": CALENDAR,
        "sla": SLA,
        "lexicons": "lexicons:\n" + "".join(f"  word{n}: {{terms: [{w}]}}\n" for n, w in enumerate(WORDS)),
        "priority": table(chance, rules // 2),
        "classification": text_rules(chance, rules // 4),
        "routing": routing_rules(chance, rules - rules // 2 - rules // 4),
    }.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def table(chance: random.Random, rows: int) -> str:
    lines = ["stage: priority", "table:", "  id: matrix", "  because: bench", "  hit: first"]
    lines += ["  inputs: [colour, shape, size, urgent]", "  output: priority", "  rows:"]
    for _ in range(rows):
        size = f"{{at_least: {chance.randrange(1000)}}}"
        cells = [chance.choice([*VALUES, "any"]), chance.choice(VALUES), size, chance.choice(["true", "false", "any"])]
        lines.append(f"    - [{', '.join(cells)}, {chance.choice(['P0', 'P1', 'P2'])}]")
    return "\n".join(lines) + "\n"


def text_rules(chance: random.Random, rules: int) -> str:
    lines = ["stage: classification", "rules:"]
    for number in range(rules):
        when = f"text: {{mentions: word{chance.randrange(len(WORDS))}}}, weight: {{at_least: {chance.randrange(100)}}}"
        then = f"category: {chance.choice(['one', 'two', 'three'])}, tags: [t{number % 7}]"
        lines.append(f"  - {{id: text-{number}, because: bench, when: {{{when}}}, then: {{{then}}}}}")
    return "\n".join(lines) + "\n"


def routing_rules(chance: random.Random, rules: int) -> str:
    lines = ["stage: routing", "rules:"]
    for number in range(rules):
        when = f"category: {chance.choice(['one', 'two', 'three'])}, shape: [{', '.join(chance.sample(VALUES, 2))}]"
        when += f", size: {{between: [{chance.randrange(500)}, {500 + chance.randrange(500)}]}}"
        then = f"department: {chance.choice(['desk', 'lab'])}, role: {chance.choice(['clerk', 'chief'])}"
        lines.append(f"  - {{id: route-{number}, because: bench, when: {{{when}}}, then: {{{then}}}}}")
    return "\n".join(lines) + "\n"


def make_events(count: int, customers: int = 5000, seed: int = 2) -> list[Event]:
    """First events of `count` requests, from `customers` customers, with 200 characters of text each."""
    chance = random.Random(seed)
    start = datetime(2026, 3, 2, 1, tzinfo=UTC)
    return [
        Event(
            source="bench",
            id=f"e{number}",
            type="request.received",
            time=start + timedelta(seconds=number % 100_000),
            request_id=f"r{number}",
            data={
                "text.subject": chance.choice(WORDS),
                "text.body": " ".join(
                    chance.choice(["设备", "the", "我们", "of", chance.choice(WORDS)]) for _ in range(50)
                ),
                "colour": chance.choice(VALUES),
                "shape": chance.choice(VALUES),
                "size": chance.randrange(1000),
                "weight": chance.randrange(100),
                "urgent": chance.random() < 0.3,
                "customer.id": f"c{chance.randrange(customers)}",
            },
        )
        for number in range(count)
    ]
