"""Tables in CSV: the same rules as the same table in YAML, however a spreadsheet program saves it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerby.rules.loader import load_rulebook
from answerby.rules.model.rulebook import Rule
from answerby.rules.text.csv_parser import records, separator_of
from answerby.rules.text.diagnostics import Diagnostic, DiagnosticReport
from answerby.server.live.rule_files import lay_out, read_rule_files
from answerby.server.live.snapshots import Snapshots
from tests.kit.examples import examples
from tests.kit.mangling import mangled_texts

FIELDS = """\
fields:
  devices: {type: integer}
  customer.discount: {type: decimal}
  customer.since: {type: instant}
  contract.response: {type: duration}
  contract.active: {type: boolean}
  customer.tier: {type: enum, values: [standard, silver, gold, vip], aliases: {贵宾: vip}}
  customer.id: {type: string}
  labels: {type: set, values: [new, old, "007"]}
  text: {type: text}
  urgency: {type: enum, values: [low, normal, urgent]}
  category: {type: enum, values: [unclassified, inquiry, complaint], derived_by: classification}
  tags: {type: set, values: [safety, vip, late], derived_by: [classification, routing]}
  priority: {type: enum, values: [P2, P1, P0], derived_by: priority}
  department: {type: enum, values: [customer-service, quality], derived_by: routing}
  role: {type: string, derived_by: routing}
"""


def rules(result, table: str = "t") -> list[Rule]:
    assert result.rulebook is not None, "\n".join(map(str, result.diagnostics))
    found = [r for stage in result.rulebook.stages for r in stage.rules if r.id.startswith(f"{table}#")]
    return sorted(found, key=lambda rule: rule.order)


def errors(result) -> list[Diagnostic]:
    return [d for d in result.diagnostics if d.severity == "error"]


def meaning(found: Iterable[Rule]) -> list[tuple]:
    return [(r.id, r.when, dict(r.then), r.because, r.order, r.enabled_from, r.until, r.mode, r.owner) for r in found]


def table(inputs: str, output: str = "priority", stage: str = "priority", rest: str = "rows_from: t.csv") -> str:
    return f"stage: {stage}\ntable: {{id: t, because: x, inputs: [{inputs}], outputs: [{output}], {rest}}}\n"


@pytest.fixture
def condition(load) -> Callable[[str, str], object]:
    """What one cell asks of a field, and what the YAML of the same row does."""

    def of(field: str, cell: str, *, yaml: bool = False) -> object:
        if yaml:
            changes = {"t.yaml": table(field, rest=f"rows: [[{cell}, P0]]")}
        else:
            out = io.StringIO()
            csv.writer(out).writerows([[field, "priority"], [cell, "P0"]])
            changes = {"t.yaml": table(field), "t.csv": out.getvalue()}
        (rule,) = rules(load({"vocabulary.yaml": FIELDS, **changes}))
        return rule.when

    return of


@pytest.mark.parametrize(
    ("field", "cell", "yaml"),
    [
        *(("customer.tier", cell, "any") for cell in ("", "  ", "-", "any", "ANY", "任意", "不限", "—", "－")),
        ("customer.tier", "vip", "vip"),
        ("customer.tier", "ＶＩＰ", "vip"),
        ("customer.tier", "Vip ", "vip"),
        ("customer.tier", "贵宾", "vip"),
        ("customer.tier", "gold|vip", "[gold, vip]"),
        ("customer.tier", "gold | vip", "[gold, vip]"),
        ("customer.tier", "gold、贵宾", "[gold, vip]"),
        ("customer.tier", "gold｜vip", "[gold, vip]"),
        ("customer.tier", "gold\nvip", "[gold, vip]"),
        ("customer.tier", "silver..vip", "{between: [silver, vip]}"),
        ("customer.tier", ">= gold", "{at_least: gold}"),
        ("customer.tier", "!vip", "{not: vip}"),
        ("customer.tier", "！vip", "{not: vip}"),
        ("customer.tier", "not vip", "{not: vip}"),
        ("customer.tier", "<>vip", "{not: vip}"),
        ("customer.tier", "!gold|vip", "{not: [gold, vip]}"),
        ("customer.tier", "missing", "{is: missing}"),
        ("customer.tier", "缺失", "{is: missing}"),
        ("customer.tier", "present", "{is: present}"),
        ("customer.tier", "!missing", "{not: {is: missing}}"),
        ("customer.tier", "missing|vip", "{not: {is: present, not: vip}}"),
        ("customer.tier", "{not: [gold, vip]}", "{not: [gold, vip]}"),
        ("customer.tier", "[gold, vip]", "[gold, vip]"),
        ("devices", "3", "3"),
        ("devices", "３", "3"),
        ("devices", "'3", "3"),
        ("devices", "= 3", "3"),
        ("devices", "-3", "-3"),
        ("devices", ">= 3", "{at_least: 3}"),
        ("devices", "≥3", "{at_least: 3}"),
        ("devices", "＞＝３", "{at_least: 3}"),
        ("devices", "<10", "{less_than: 10}"),
        ("devices", ">3", "{more_than: 3}"),
        ("devices", "≤ 3", "{at_most: 3}"),
        ("devices", ">= 3 & < 10", "{at_least: 3, less_than: 10}"),
        ("devices", ">= 3 and < 10", "{at_least: 3, less_than: 10}"),
        ("devices", ">= 3 且 < 10", "{at_least: 3, less_than: 10}"),
        ("devices", "3..7", "{between: [3, 7]}"),
        ("devices", "3 .. 7", "{between: [3, 7]}"),
        ("devices", "３～７", "{between: [3, 7]}"),
        ("devices", "-7..-3", "{between: [-7, -3]}"),
        ("devices", "!3..7", "{not: {between: [3, 7]}}"),
        ("devices", "1|2|3", "[1, 2, 3]"),
        ("devices", "missing|3", "{not: {is: present, not: 3}}"),
        ("customer.discount", "0.5", "0.5"),
        ("customer.discount", "1..2.5", "{between: [1, 2.5]}"),
        ("customer.discount", "< .5", "{less_than: 0.5}"),
        ("contract.active", "TRUE", "true"),
        ("contract.active", "是", "true"),
        ("contract.active", "no", "false"),
        ("contract.active", "FALSCH", "false"),
        ("contract.active", "!true", "{not: true}"),
        ("customer.since", ">= 2026-01-31", "{at_least: 2026-01-31}"),
        ("customer.since", ">= 2026/1/31", "{at_least: 2026-01-31}"),
        ("customer.since", "2026/1/31..2026年12月1日", "{between: [2026-01-31, 2026-12-01]}"),
        ("customer.since", "inside cn-business", "{inside: cn-business}"),
        ("customer.since", "outside: cn-business", "{outside: cn-business}"),
        ("contract.response", "<= 2h", "{at_most: 2h}"),
        ("contract.response", "30m..1h30m", "{between: [30m, 1h30m]}"),
        ("customer.id", "007", '"007"'),
        ("customer.id", "'007", '"007"'),
        ("customer.id", '="007"', '"007"'),
        ("customer.id", "A-1|B-2", "[A-1, B-2]"),
        ("customer.id", "starts with A-", "{starts_with: A-}"),
        ("customer.id", "starts_with: A-|B-", "{starts_with: [A-, B-]}"),
        ("customer.id", "!A-1", "{not: A-1}"),
        ("customer.id", "not found", '"not found"'),
        ("customer.id", "'>= 3", '">= 3"'),
        ("customer.id", "'missing", '"missing"'),
        ("customer.id", "2026/1/3", '"2026/1/3"'),
        ("labels", "new|old", "{has: [new, old]}"),
        ("labels", "has new", "{has: new}"),
        ("labels", "007", '{has: "007"}'),
        ("text", "mentions safety", "{mentions: safety}"),
        ("text", "mentions safety|burning", "{mentions: [burning, safety]}"),
        ("text", "!mentions safety", "{not: {mentions: safety}}"),
        ("text", "matches ^(a|b)、c", '{matches: "^(a|b)、c"}'),
        ("text", "equals Hello, world", '{equals: "Hello, world"}'),
        ("text", "请尽快、谢谢", "[请尽快, 谢谢]"),
        ("text", "{mentions: safety}", "{mentions: safety}"),
    ],
)
def test_a_cell_asks_what_the_same_cell_in_yaml_asks(condition, field, cell, yaml):
    assert condition(field, cell) == condition(field, yaml, yaml=True)


YAML_TABLE = """\
stage: sla
table:
  id: t
  because: The contract.
  inputs: [customer.tier, urgency, customer.discount]
  outputs: [sla.first_response]
  hit: unique
  rows:
    - [[gold, vip], urgent, any, 15m]
    - {when: [vip, any, {at_least: 0.5}], then: [{within: 2h, calendar: always}], because: 大客户}
    - {when: [any, {not: urgent}, any], then: [PT24H], enabled_from: 2026-01-01, until: 2026-06-30, mode: shadow}
"""
CSV_TABLE = """\
stage: sla
table:
  id: t
  because: The contract.
  inputs: [customer.tier, urgency, customer.discount]
  outputs: [sla.first_response]
  hit: unique
  rows_from: t.csv
"""
GRID = [
    ["comment", "sla.first_response", "urgency", "customer.tier", "依据", "customer.discount", "until", "mode", "enabled_from"],
    ["fast", "15m", "urgent", "gold | vip", "", "", "", "", ""],
    ["", "{within: 2h, calendar: always}", "-", "vip", "大客户", ">= 0.5", "", "", ""],
    ["", "", "", "", "", "", "", "", ""],
    ['a "quoted",\r\nlong remark; really', "PT24H", "!urgent", "任意", "", "", "2026/6/30", "shadow", "2026/1/1"],
]  # fmt: skip


def saved(separator: str, line_end: str, quoting: int, *, padded: bool = False) -> str:
    out = io.StringIO()
    grid = [[*row, "", ""] for row in GRID] + [[""] * 11] * 3 if padded else GRID
    csv.writer(out, delimiter=separator, lineterminator=line_end, quoting=quoting).writerows(grid)
    return out.getvalue()


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_a_table_in_csv_is_the_table_in_yaml(load, separator, line_end, quoting):
    expected = meaning(rules(load({"t.yaml": YAML_TABLE})))

    for text in (saved(separator, line_end, quoting), "\ufeff" + saved(separator, line_end, quoting, padded=True)):
        result = load({"t.yaml": CSV_TABLE, "t.csv": text})

        assert errors(result) == []
        assert meaning(rules(result)) == expected


def test_the_line_that_tells_excel_the_separator_is_no_row(load):
    text = "sep=;\r\n" + saved(";", "\r\n", csv.QUOTE_MINIMAL)

    assert meaning(rules(load({"t.yaml": CSV_TABLE, "t.csv": text}))) == meaning(rules(load({"t.yaml": YAML_TABLE})))


def test_rows_are_where_they_stand_in_the_csv_file(load):
    found = rules(load({"t.yaml": CSV_TABLE, "deep.csv": None, "t.csv": saved(",", "\r\n", csv.QUOTE_MINIMAL)}))

    assert [(rule.file, rule.line) for rule in found] == [("t.csv", 2), ("t.csv", 3), ("t.csv", 5)]


def test_excel_may_leave_out_empty_cells_at_the_end_of_a_row(load):
    text = "priority,urgency,customer.tier,because\nP0,urgent\nP2\n"

    found = rules(load({"t.yaml": table("urgency, customer.tier"), "t.csv": text}))

    assert [dict(rule.then) for rule in found] == [{"priority": "P0"}, {"priority": "P2"}]


def test_outputs_of_every_kind(load):
    text = "urgency;tags;department;role\nurgent;vip | ＬＡＴＥ;Quality;duty-manager\n"
    extra = {"vocabulary.yaml": FIELDS, "t.yaml": table("urgency", "tags, department, role", "routing"), "t.csv": text}

    (rule,) = rules(load(extra))

    assert dict(rule.then) == {"tags": ["late", "vip"], "department": "quality", "role": "duty-manager"}


def test_notices_are_written_as_in_yaml(load):
    notify = "{roles: [duty-manager], template: warn, urgent: true}"
    text = f'priority,notify,open_case\nP0,"{notify}",recall\n'
    yaml = table("priority", "notify, open_case", "escalation", f"rows: [[P0, {notify}, recall]]")

    found = load({"t.yaml": table("priority", "notify, open_case", "escalation"), "t.csv": text})

    assert meaning(rules(found)) == meaning(rules(load({"t.yaml": yaml})))


def test_a_decimal_comma_is_one_where_the_semicolon_separates(load):
    base = {"vocabulary.yaml": FIELDS, "t.yaml": table("customer.discount")}

    found = rules(load({**base, "t.csv": "customer.discount;priority\n0,5;P0\n>= 1,25;P1\n"}))

    assert [rule.when.operands for rule in found] == [("0.5",), ("1.25",)]


@pytest.mark.parametrize(
    ("field", "cell", "expected"),
    [
        ("labels", "7", "write '007, or format the column as text"),
        ("customer.tier", "gold, vip", "for any of several write gold | vip"),
        ("customer.tier", "gold/vip", "for any of several write gold | vip"),
        ("devices", "1-3", "for an interval write 1..3"),
        ("customer.id", "3-Jan", "write '3-Jan"),
        ("customer.id", "8.61E+12", "long number that Excel has shortened"),
        ("devices", "2|present", "write present alone"),
        ("devices", "!" * 4_000 + "3", "denies more than once"),
        ("devices", "not " * 1_000 + "3", "denies more than once"),
        ("devices", "==!3", "is not a comparison"),
        ("devices", "3" * 4_097, "the cell is longer than 4096 characters"),
        ("customer.tier", "[" * 4_000, "nested deeper than"),
    ],
)
def test_what_a_spreadsheet_does_to_values_is_named(load, field, cell, expected):
    out = io.StringIO()
    csv.writer(out).writerows([[field, "priority"], [cell, "P0"]])

    result = load({"vocabulary.yaml": FIELDS, "t.yaml": table(field), "t.csv": out.getvalue()})

    (diagnostic,) = errors(result)
    assert (diagnostic.file, diagnostic.line, diagnostic.column) == ("t.csv", 2, 1)
    assert expected in str(diagnostic)


def test_phantom_columns_and_rows(load):
    """Excel saves columns and rows that were once formatted, a few or as many as a sheet has."""
    base = {"t.yaml": table("urgency")}
    commas = "," * 16_000

    for text in (
        "urgency,priority,,\nurgent,P0,,\n" + ",,,\n" * 200_000,
        f"urgency,priority{commas}\nurgent,P0{commas}\n{commas}\n",
    ):
        assert len(rules(load({**base, "t.csv": text}))) == 1

    (diagnostic,) = errors(load({**base, "t.csv": f"urgency,priority{commas}x\nurgent,P0\n"}))
    assert str(diagnostic).startswith("t.csv:1:1016 csv-syntax the row has more than 1000 cells")


def test_yes_and_no_of_a_row_are_written_as_people_write_them(load):
    text = "urgency,priority,protected,mode\nurgent,P0,是,Live\nnormal,P2,FALSE,\n"

    found = rules(load({"t.yaml": table("urgency"), "t.csv": text}))

    assert [(rule.protected, str(rule.mode)) for rule in found] == [(True, "live"), (False, "live")]


def test_a_word_of_tables_that_is_also_a_value_is_not_guessed(load):
    fields = FIELDS.replace("[standard, silver, gold, vip]", "[missing, silver, gold, vip]")
    text = "customer.tier,priority\nmissing,P0\n'missing,P1\n"

    result = load({"vocabulary.yaml": fields, "t.yaml": table("customer.tier"), "t.csv": text})

    (diagnostic,) = errors(result)
    assert (diagnostic.line, diagnostic.code) == (2, "csv-cell")
    assert "write 'missing for the value" in diagnostic.hint


def test_a_header_says_what_it_may_have_meant(load):
    result = load({"t.yaml": table("customer.tier"), "t.csv": "customer.teir,Priority\nvip,P0\n"})

    assert [d.code for d in errors(result)] == ["csv-header", "csv-header"]
    assert any("did you mean customer.tier?" in str(d) for d in errors(result))


def test_the_csv_file_is_part_of_the_rulebook_and_of_its_revision(load):
    first = load({"t.yaml": table("urgency"), "t.csv": "urgency,priority\nurgent,P0\n"}).rulebook
    changed = load({"t.yaml": table("urgency"), "t.csv": "urgency,priority\nurgent,P1\n"}).rulebook

    assert "t.csv" in {file.path for file in first.files}
    assert first.revision != changed.revision


CELLS = st.text('ab"火 ,;\n|', max_size=6).map(lambda cell: cell.strip() or "x")


@examples(500)
@given(
    grid=st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=5),
    separator=st.sampled_from(",;\t"),
    line_end=st.sampled_from(["\r\n", "\n"]),
)
def test_cells_are_those_that_the_csv_module_reads(grid, separator, line_end):
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator=line_end).writerows(grid)
    report = DiagnosticReport()

    found = records(out.getvalue(), "t.csv", separator, report)

    assert report.sorted() == ()
    assert [[cell.text for cell in record.cells] for record in found] == grid
    lines = out.getvalue().replace("\r\n", "\n").split("\n")
    for record in found:
        for cell in record.cells:
            quoted = lines[cell.place.line - 1][cell.place.column - 1 :]
            start = cell.text.split("\n")[0].replace('"', '""')
            assert quoted.removeprefix('"').startswith(start) or quoted.startswith(start)


def test_the_separator_is_the_one_that_the_first_row_holds_most_of():
    assert separator_of('\ufeff"a,b,c";d;e\r\n') == ";"
    assert separator_of("a\tb\n") == "\t"
    assert separator_of("\n\na,b\n") == ","


@pytest.mark.parametrize(
    ("content", "place", "expected"),
    [
        ("urgency,priority,comment\nurgent,P0,紧急\n".encode("gbk"), "2:11", "may be GBK"),
        ("urgency,priority\nurgent,P0\n".encode("utf-16"), "1:1", "is UTF-16"),
        ("urgency,priority\nurgent,P0\n".encode("utf-16-le"), "1:2", "is it UTF-16?"),
        (b"PK\x03\x04\x14\0\x06\0", "1:1", "is an Excel workbook"),
        (b"urgency,priority,comment\nurgent,P0,caf\xe9\n", "2:14", "is not UTF-8"),
    ],
    ids=["gbk", "utf-16", "utf-16 without a mark", "xlsx", "latin-1"],
)
def test_another_encoding_is_named_with_what_to_do(tmp_path, base, content, place, expected):
    for name, text in {**base, "t.yaml": table("urgency")}.items():
        (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "t.csv").write_bytes(content)

    (diagnostic,) = errors(load_rulebook(tmp_path))

    assert str(diagnostic).startswith(f"t.csv:{place} file-encoding ")
    assert expected in str(diagnostic)
    assert 'in Excel save it as "CSV UTF-8' in diagnostic.hint


def test_a_link_out_of_the_folder_is_refused_one_within_it_is_not(tmp_path, base):
    folder = tmp_path / "rules"
    (folder / "..data").mkdir(parents=True)
    for name, text in {**base, "t.yaml": table("urgency")}.items():
        (folder / name).write_text(text, "utf-8")
    (tmp_path / "secret.csv").write_text("urgency,priority\nurgent,P0\n")
    (folder / "t.csv").symlink_to("../secret.csv")

    (diagnostic,) = errors(load_rulebook(folder))
    assert str(diagnostic).startswith("t.csv:1:1 file-unreadable is a link out of the rule folder")
    assert "t.csv: is a link out of the rule folder" in read_rule_files(folder).trouble

    (folder / "t.csv").unlink()
    (folder / "..data" / "t.csv").write_text("urgency,priority\nurgent,P0\n")
    (folder / "t.csv").symlink_to("..data/t.csv")
    assert len(rules(load_rulebook(folder))) == 1


def test_kept_copies_of_a_folder_hold_its_csv_files(tmp_path, base):
    folder = tmp_path / "rules"
    (folder / "sub").mkdir(parents=True)
    for name, text in {**base, "sub/t.yaml": table("urgency")}.items():
        (folder / name).write_text(text, "utf-8")
    (folder / "sub" / "t.csv").write_bytes(b"\xef\xbb\xbfurgency,priority\r\nurgent,P0\r\n")
    rulebook = load_rulebook(folder).rulebook
    snapshots = Snapshots(tmp_path / "kept")

    snapshots.save(rulebook.revision, read_rule_files(folder).content)
    lay_out(snapshots.last_good(), tmp_path / "again")

    assert load_rulebook(tmp_path / "again").rulebook == rulebook


PIECES = [*"{}[]:,;|!<>='\"\n\t～－#&-~.", "..", "'", '""', ""]


@examples(180)
@given(text=mangled_texts(saved(",", "\r\n", csv.QUOTE_MINIMAL), PIECES))
def test_mangled_files_never_raise(load, text):
    result = load({"t.yaml": CSV_TABLE, "t.csv": text})

    assert (result.rulebook is None) == any(d.severity == "error" for d in result.diagnostics)
