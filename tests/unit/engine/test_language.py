"""Every construct of the rule language from the text of a file to a decision, as the reference for operations says."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from answerby.domain.decision import StageOutcome
from answerby.domain.event import Event
from answerby.engine.case import Context
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.compiler import compile_rulebook
from answerby.engine.decide import decide
from answerby.rules.loader import load_texts
from answerby.rules.model.vocabulary import FieldType
from answerby.rules.sections.stages.operators import OPERATORS
from answerby.rules.text.rule_folder import RuleText

BASE = {
    "rulebook.yaml": """\
rulebook:
  stages:
    classification: {hit: most_severe, default: {category: other}, on_error: {category: unsure}}
    priority: {hit: most_severe, default: {priority: P2}, on_error: {priority: P0}}
    sla: {hit: first}
    routing: {hit: first, default: {department: desk}, on_error: {department: desk}}
  departments: {desk: DSK, lab: LAB}
  roles: {clerk: Clerk}
  numbering: {timezone: Asia/Shanghai, default_code: DSK}
""",
    "vocabulary.yaml": """\
fields:
  tier: {type: enum, values: [standard, silver, gold, vip], aliases: {贵宾: vip}}
  labels: {type: set, values: [new, old, late]}
  words: {type: set}
  customer.id: {type: string}
  devices: {type: integer}
  discount: {type: decimal}
  active: {type: boolean}
  since: {type: instant}
  promised: {type: duration}
  text.subject: {type: text}
  text.body: {type: text}
  text: {type: text, parts: [text.subject, text.body]}
  customer.complaints_24h: {type: integer, window: {count: hit, by: customer.id, within: 24h}}
  customer.requests_24h: {type: integer, window: {count: any, by: customer.id, within: 24h}}
  category: {type: enum, values: [other, unsure, hit], derived_by: classification}
  tags: {type: set, derived_by: [classification, priority]}
  priority: {type: enum, values: [P2, P1, P0], derived_by: priority}
  department: {type: enum, values: [desk, lab], derived_by: routing}
""",
    "words.yaml": """\
lexicons:
  fire: {terms: [起火, caught fire], except: drill}
  drill: [消防演习起火]
""",
    "times.yaml": """\
calendar:
  id: office
  timezone: Asia/Shanghai
  weekly: {mon-fri: ["09:00-12:00", "13:00-18:00"]}
  years: [2026]
  holidays: {"2026-01-01": 元旦}
  extra_workdays: ["2026-01-04"]
clocks:
  - {id: answer, because: promised, calendar: office, stop: [request.replied]}
""",
}
MONDAY = "2026-03-02T10:00:00+08:00"


@pytest.fixture(params=["durable", "reference"])
def engine(request) -> str:
    return request.param


class Rules:
    """A rulebook under test, and what it decides of facts."""

    def __init__(self, compiled: CompiledRulebook) -> None:
        self.compiled = compiled

    def decide(self, *, time: str = MONDAY, windows: dict[str, int] | None = None, **facts: object):
        at = datetime.fromisoformat(time).astimezone(UTC)
        data = {name.replace("__", "."): value for name, value in facts.items()}
        event = Event(source="crm", id="e1", type="request.received", time=at, request_id="R1", data=data)
        return decide(self.compiled, None, event, Context(windows or {}), at)


@pytest.fixture
def rules(engine) -> Iterator:
    made: list[CompiledRulebook] = []

    def make(**files: str) -> Rules:
        texts = {**BASE, **{f"{name}.yaml" if "." not in name else name: text for name, text in files.items()}}
        result = load_texts(RuleText(path, text, "") for path, text in texts.items())
        assert result.rulebook is not None, "\n".join(map(str, result.diagnostics))
        made.append(compile_rulebook(result.rulebook, engine))
        return Rules(made[-1])

    yield make
    for compiled in made:
        close = getattr(compiled.matcher, "close", None)
        if close is not None:
            close()


def one_rule(when: str, then: str = "{category: hit}", stage: str = "classification", **keys: str) -> str:
    rest = "".join(f", {key}: {value}" for key, value in keys.items())
    return f"stage: {stage}\nrules: [{{id: r, because: x, when: {when}, then: {then}{rest}}}]\n"


def hits(rules: Rules, **facts: object) -> bool:
    decision = rules.decide(**facts)
    assert decision.facts["category"] in {"hit", "other"}, decision.flags
    return decision.facts["category"] == "hit"


ON_FIELD = [
    # field, condition, values that meet it, values that do not (None: not given)
    ("tier", "vip", ["vip", "VIP", "ｖｉｐ", "贵宾"], ["gold", None]),
    ("tier", "贵宾", ["vip"], ["gold"]),
    ("tier", "[gold, vip]", ["gold", "vip"], ["silver", None]),
    ("tier", "{not: vip}", ["gold", None], ["vip"]),
    ("tier", "{not: [gold, vip]}", ["silver", None], ["gold", "vip"]),
    ("tier", "{at_least: gold}", ["gold", "vip"], ["silver", None]),
    ("tier", "{at_most: silver}", ["standard", "silver"], ["gold", None]),
    ("tier", "{more_than: silver}", ["gold", "vip"], ["silver", None]),
    ("tier", "{less_than: silver}", ["standard"], ["silver", None]),
    ("tier", "{between: [silver, gold]}", ["silver", "gold"], ["standard", "vip", None]),
    ("tier", "{is: missing}", [None, ""], ["vip"]),
    ("tier", "{is: present}", ["vip"], [None]),
    ("labels", "new", [["new"], ["old", "new"], "new"], [["old"], [], None]),
    ("labels", "[new, late]", [["new"], ["late", "old"]], [["old"], None]),
    ("labels", "{has: new}", [["new", "old"]], [["old"], None]),
    ("labels", "{has: [new, late]}", [["late"]], [["old"], None]),
    ("labels", "{not: {has: new}}", [["old"], None], [["new"]]),
    ("labels", "{is: missing}", [None, []], [["new"]]),
    ("words", "{has: alpha}", [["alpha", "beta"]], [["beta"], None]),
    ("customer.id", "C-1", ["C-1"], ["C-2", None]),
    ("customer.id", "[C-1, C-2]", ["C-1", "C-2"], ["C-3"]),
    ("customer.id", "{not: C-1}", ["C-2", None], ["C-1"]),
    ("customer.id", "{starts_with: C-}", ["C-1", "c-1"], ["D-1", None]),
    ("customer.id", "{starts_with: [C-, D-]}", ["D-1"], ["E-1"]),
    ("customer.id", "{equals: [c-1]}", ["C-1", "Ｃ-1"], ["C-2", None]),
    ("customer.id", '{matches: "^C-[0-9]{3}$"}', ["C-123"], ["C-12", None]),
    ("customer.id", "{is: missing}", [None, "  "], ["C-1"]),
    ("devices", "3", [3, 3.0], [4, None]),
    ("devices", "[3, 5]", [3, 5], [4]),
    ("devices", "{not: 3}", [4, None], [3]),
    ("devices", "{at_least: 3}", [3, 4], [2, None]),
    ("devices", "{at_most: 3}", [3, -1], [4, None]),
    ("devices", "{more_than: 3}", [4], [3, None]),
    ("devices", "{less_than: 3}", [2], [3, None]),
    ("devices", "{between: [3, 5]}", [3, 4, 5], [2, 6, None]),
    ("devices", "{at_least: 3, less_than: 5, not: 4}", [3], [2, 4, 5, None]),
    ("devices", "{is: missing}", [None], [0]),
    ("discount", "0.5", [0.5], [0.51, None]),
    ("discount", "{at_least: 0.1}", [0.1, 1], [0.09, None]),
    ("discount", "{less_than: 1}", [0.99, -3], [1, 1.0, None]),
    ("discount", "{more_than: 0.5}", [0.500001], [0.5]),
    ("discount", "{at_most: 0.5}", [0.5], [0.500001]),
    ("discount", "{between: [0.1, 0.3]}", [0.1, 0.3], [0.31, None]),
    ("discount", "{not: 0.5}", [1, None], [0.5]),
    ("discount", "{is: missing}", [None], [0, 0.5]),
    ("discount", "[0.5, 2]", [0.5, 2, 2.0], [1]),
    ("active", "true", [True], [False, None]),
    ("active", "false", [False], [True, None]),
    ("active", "{not: true}", [False, None], [True]),
    ("active", "{is: missing}", [None], [False]),
    ("since", "{at_least: 2026-01-31}", ["2026-01-31T00:00:00+08:00"], ["2026-01-30T23:59:59+08:00", None]),
    ("since", "{less_than: 2026-01-31}", ["2026-01-30T15:59:59Z"], ["2026-01-30T16:00:00Z"]),
    ("since", '{more_than: "2026-01-31T09:00:00Z"}', ["2026-01-31T09:00:01Z"], ["2026-01-31T17:00:00+08:00"]),
    ("since", '{at_most: "2026-01-31T09:00:00Z"}', ["2026-01-31T17:00:00+08:00"], ["2026-01-31T09:00:01Z"]),
    ("since", "{between: [2026-01-01, 2026-02-01]}", ["2026-01-31T12:00:00Z"], ["2025-12-31T00:00:00Z", None]),
    ("since", "{not: {at_least: 2026-01-31}}", ["2026-01-01T00:00:00Z", None], ["2026-02-01T00:00:00Z"]),
    ("since", "{is: present}", ["2026-01-01T00:00:00Z"], [None]),
    ("since", "{inside: office}", ["2026-03-02T09:00:00+08:00", "2026-01-04T10:00:00+08:00"],
     ["2026-03-02T12:30:00+08:00", "2026-03-01T10:00:00+08:00", "2026-01-01T10:00:00+08:00", None]),
    ("since", "{outside: office}", ["2026-03-02T18:00:00+08:00", None], ["2026-03-02T17:59:59+08:00"]),
    ("since", "{outside: office, is: present}", ["2026-03-02T18:00:00+08:00"], [None]),
    ("promised", "2h", ["PT2H", "PT120M"], ["PT1H", None]),
    ("promised", "{at_least: 2h}", ["PT2H", "P1D"], ["PT1H59M", None]),
    ("promised", "{at_most: 30m}", ["PT30M"], ["PT31M", None]),
    ("promised", "{more_than: 30m}", ["PT31M"], ["PT30M"]),
    ("promised", "{less_than: PT30M}", ["PT29M"], ["PT30M"]),
    ("promised", "{between: [30m, 1h30m]}", ["PT30M", "PT90M"], ["PT91M", None]),
    ("promised", "[1h, 2h]", ["PT1H", "PT2H"], ["PT3H"]),
    ("promised", "{not: 1h}", ["PT2H", None], ["PT1H"]),
    ("promised", "{is: missing}", [None], ["PT1H"]),
    ("text.body", "{mentions: fire}", ["昨晚起火了", "it CAUGHT  fire!"], ["catch fire", "消防演习起火", None]),
    ("text.body", "{mentions: [fire, drill]}", ["消防演习起火"], ["fine"]),
    ("text.body", "{not: {mentions: fire}}", ["fine", None], ["起火"]),
    ("text.body", "{starts_with: 您好}", ["您好，请问"], ["请问您好", None]),
    ("text.body", "{equals: Hello World}", ["hello  world", "ＨＥＬＬＯ world"], ["hello world!"]),
    ("text.body", "Hello World", ["hello world"], ["hello"]),
    ("text.body", '{matches: "(?i)order\\\\s*#?[0-9]+"}', ["Order #17", "my ORDER 5"], ["order", None]),
    ("text.body", "{is: missing}", [None, "  "], ["x"]),
]  # fmt: skip


@pytest.mark.parametrize(("field", "condition", "meeting", "failing"), ON_FIELD)
def test_a_condition_on_a_field(rules, field, condition, meeting, failing):
    book = rules(r=one_rule(f"{{{field}: {condition}}}"))
    given = field.replace(".", "__")

    for value in meeting:
        assert hits(book, **({} if value is None else {given: value})), value
    for value in failing:
        assert not hits(book, **({} if value is None else {given: value})), value


TYPES = {
    "tier": FieldType.ENUM,
    "labels": FieldType.SET,
    "words": FieldType.SET,
    "customer.id": FieldType.STRING,
    "devices": FieldType.INTEGER,
    "discount": FieldType.DECIMAL,
    "active": FieldType.BOOLEAN,
    "since": FieldType.INSTANT,
    "promised": FieldType.DURATION,
    "text.body": FieldType.TEXT,
}


def test_every_operator_of_every_type_is_shown_above():
    shown = {
        (TYPES[field], operator)
        for field, condition, _, _ in ON_FIELD
        for operator in OPERATORS[TYPES[field]]
        if f"{{{operator}:" in condition or f", {operator}:" in condition
    }

    assert shown == {(kind, operator) for kind, operators in OPERATORS.items() for operator in operators}


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ("{active: true, devices: 3}", lambda a, d: a and d),
        ("{all: [{active: true}, {devices: 3}]}", lambda a, d: a and d),
        ("{any: [{active: true}, {devices: 3}]}", lambda a, d: a or d),
        ("{not: {active: true, devices: 3}}", lambda a, d: not (a and d)),
        ("{not: {any: [{active: true}, {devices: 3}]}}", lambda a, d: not (a or d)),
        ("{any: [{active: true, not: {devices: 3}}, {devices: 3, not: {active: true}}]}", lambda a, d: a != d),
        ("{all: [{any: [{active: true}, {devices: 3}]}, {not: {all: [{active: true}, {devices: 3}]}}]}",
         lambda a, d: a != d),
    ],
)  # fmt: skip
def test_all_any_and_not_nest(rules, when, holds):
    book = rules(r=one_rule(when))

    for active, few in itertools.product([True, False], repeat=2):
        assert hits(book, active=active, devices=3 if few else 9) == holds(active, few), (active, few)


def test_a_rule_without_when_always_holds(rules):
    book = rules(r="stage: classification\nrules: [{id: r, because: x, then: {category: hit}}]\n")

    assert hits(book)


def test_a_text_of_several_parts_is_searched_as_one(rules):
    book = rules(r=one_rule("{text: {mentions: fire}}"))

    assert hits(book, text__subject="Caught fire", text__body="help")
    assert hits(book, text__subject="help", text__body="起火")
    assert not hits(book, text__subject="catch", text__body="fire")


def test_a_value_that_cannot_be_read_takes_the_safe_side_and_is_never_no_match(rules):
    book = rules(r=one_rule("{devices: {at_least: 3}}"))

    decision = book.decide(devices="many")

    assert decision.facts["category"] == "unsure"
    assert decision.explanation[1].outcome == StageOutcome.ERROR
    assert [reference.id for reference in decision.explanation[1].failed] == ["r"]


def test_whether_a_request_comes_inside_working_hours(rules):
    book = rules(r=one_rule("{event.time: {outside: office}}"))

    assert not hits(book, time="2026-03-02T10:00:00+08:00")
    assert hits(book, time="2026-03-02T12:30:00+08:00")
    assert hits(book, time="2026-03-01T10:00:00+08:00")
    assert not hits(book, time="2026-01-04T10:00:00+08:00")


def test_a_year_without_holidays_is_no_guess(rules):
    book = rules(r=one_rule("{event.time: {outside: office}}"))

    decision = book.decide(time="2029-03-05T10:00:00+08:00")

    assert decision.facts["category"] == "unsure"
    assert any("2029" in flag.message for flag in decision.flags)


def test_a_window_counts_this_request_too(rules):
    priority = one_rule("{customer.complaints_24h: {at_least: 3}}", "{priority: P1}", "priority")
    book = rules(c=one_rule("{devices: 3}"), p=priority.replace("id: r", "id: p"))

    def of(before: int, devices: int) -> object:
        windows = {"customer.complaints_24h": before}
        return book.decide(windows=windows, customer__id="C-1", devices=devices).facts["priority"]

    assert of(1, 3) == "P2"
    assert of(2, 3) == "P1"
    assert of(2, 4) == "P2", "this request is no complaint"
    assert of(3, 4) == "P1"


def test_a_window_of_any_request(rules):
    book = rules(p=one_rule("{customer.requests_24h: {more_than: 2}}", "{priority: P1}", "priority"))

    assert book.decide(windows={"customer.requests_24h": 1}, customer__id="C").facts["priority"] == "P2"
    assert book.decide(windows={"customer.requests_24h": 2}, customer__id="C").facts["priority"] == "P1"
    assert book.decide().facts["priority"] == "P2", "nobody is known to ask"


def test_later_stages_read_what_earlier_ones_derived(rules):
    def stage(name: str, when: str, then: str) -> str:
        return one_rule(when, then, name).replace("id: r", f"id: {name}-rule")

    book = rules(
        c=stage("classification", "{devices: {at_least: 3}}", "{category: hit, tags: [many]}"),
        p=stage("priority", "{category: hit, tags: {has: many}}", "{priority: P0, tags: [seen]}"),
        s=stage("sla", "{priority: P0}", "{sla.answer: 15m}"),
        r=stage("routing", "{priority: {at_least: P1}, tags: {has: seen}}", "{department: lab}"),
    )

    decision = book.decide(devices=3)

    assert decision.facts["priority"] == "P0"
    assert decision.facts["tags"] == ["many", "seen"]
    assert decision.facts["department"] == "lab"
    assert decision.clocks[0].due == datetime(2026, 3, 2, 2, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("time", "counts"),
    [
        ("2026-02-28T23:59:59+08:00", False),
        ("2026-03-01T00:00:00+08:00", True),
        ("2026-03-31T23:59:59+08:00", True),
        ("2026-04-01T00:00:00+08:00", False),
    ],
)
@pytest.mark.parametrize("where", ["rule", "table", "row", "csv"])
def test_dates_count_whole_days_in_the_zone_of_the_rulebook(rules, where, time, counts):
    dates = "enabled_from: 2026-03-01, until: 2026-03-31"
    table = "id: t, because: x, inputs: [devices], output: category"
    files = {
        "rule": {"r": one_rule("{devices: 3}", enabled_from="2026-03-01", until="2026-03-31")},
        "table": {"r": f"stage: classification\ntable: {{{table}, rows: [[3, hit]], {dates}}}\n"},
        "row": {"r": f"stage: classification\ntable: {{{table}, rows: [{{when: [3], then: [hit], {dates}}}]}}\n"},
        "csv": {
            "r": f"stage: classification\ntable: {{{table}, rows_from: r.csv}}\n",
            "r.csv": "devices;category;生效日期;截止日期\r\n3;hit;2026/3/1;2026/3/31\r\n",
        },
    }
    book = rules(**files[where])

    assert hits(book, time=time, devices=3) == counts


def test_an_instant_ends_a_rule_to_the_second(rules):
    book = rules(r=one_rule("{devices: 3}", until='"2026-03-31T18:00:00+08:00"'))

    assert hits(book, time="2026-03-31T17:59:59+08:00", devices=3)
    assert not hits(book, time="2026-03-31T18:00:00+08:00", devices=3)


def test_owner_and_reason_come_with_the_rule(rules):
    text = "stage: classification\nowner: lab\nrules:\n  - {id: a, because: 因为, when: {devices: 3}, then: {category: hit}}\n"
    book = rules(r=text + "  - {id: b, owner: desk, because: x, when: {devices: 4}, then: {category: hit}}\n")

    owners = {r.id: r.owner for stage in book.compiled.rulebook.stages for r in stage.rules}
    assert owners == {"a": "lab", "b": "desk"}
    (won,) = book.decide(devices=3).explanation[1].won
    assert (won.id, won.because, won.file, won.line) == ("a", "因为", "r.yaml", 4)


HITS = """\
stage: classification
{hit}
rules:
  - {{id: a, rank: 2, because: x, when: {{devices: {{at_least: 1}}}}, then: {{category: hit, tags: [a]}}}}
  - {{id: b, rank: 1, because: x, when: {{devices: {{at_least: 2}}}}, then: {{category: other, tags: [b]}}}}
"""


@pytest.mark.parametrize(
    ("hit", "category", "tags", "outcome"),
    [
        ("hit: first", "other", ["b"], StageOutcome.MATCHED),
        ("hit: most_severe", "hit", ["a", "b"], StageOutcome.MATCHED),
        ("hit: collect", "hit", ["a", "b"], StageOutcome.MATCHED),
        ("hit: unique", "unsure", None, StageOutcome.CONFLICT),
    ],
)
def test_hit_policies(rules, hit, category, tags, outcome):
    decision = rules(r=HITS.format(hit=hit)).decide(devices=2)

    assert decision.facts["category"] == category
    assert decision.facts.get("tags") == tags
    assert decision.explanation[1].outcome == outcome


def test_a_rule_on_trial_decides_nothing_and_is_reported(rules):
    book = rules(r=one_rule("{devices: 3}", mode="shadow"))

    decision = book.decide(devices=3)

    assert decision.facts["category"] == "other"
    assert [match.rule.id for match in decision.explanation[1].shadow] == ["r"]


def test_a_template_decides_and_is_explained_where_it_is_used(rules):
    templates = """\
rule_templates:
  - id: at-least
    parameters: {n: integer, of: text}
    because: "{n} or more of {of}"
    rules: [{id: "many-{of}", when: {"{of}": {at_least: {n}}}, then: {category: hit}}]
"""
    uses = "stage: classification\nrules:\n  - use: at-least\n    for_each:\n      - {n: 3, of: devices}\n      - {n: 5, of: discount}\n"
    book = rules(t=templates, r=uses)

    assert not hits(book, devices=2, discount=4.9)
    (won,) = book.decide(discount=5).explanation[1].won
    assert (won.id, won.because, won.file, won.line) == ("many-discount", "5 or more of discount", "r.yaml", 6)


def test_a_row_of_a_csv_table_decides_and_is_explained_where_it_stands(rules):
    book = rules(
        **{
            "r": "stage: classification\ntable: {id: t, because: x, inputs: [tier, devices], output: category, rows_from: r.csv}\n",
            "r.csv": "\ufefftier,devices,category,because\r\n!vip,-,other,\r\n贵宾 | gold,>= 3 & < 5,hit,大客户\r\n",
        }
    )

    assert not hits(book, tier="gold", devices=3), "the first row is met"
    assert not hits(book, tier="vip", devices=5)
    (won,) = book.decide(tier="vip", devices=3).explanation[1].won
    assert (won.id, won.because, won.file, won.line) == ("t#2", "大客户", "r.csv", 3)
