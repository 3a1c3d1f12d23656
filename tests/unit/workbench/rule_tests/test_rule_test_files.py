"""Every mistake in a test file is named with its place; none makes a case that passes."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from answerby.engine.memory.steps import RememberingSteps
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import DiagnosticReport
from answerby.rules.text.rule_folder import RuleText
from answerby.workbench.rule_tests.runner import run_case
from answerby.workbench.rule_tests.suite.files import find_suites
from answerby.workbench.rule_tests.suite.known_names import FLAGS
from answerby.workbench.rule_tests.suite.loader import load_suite_texts, load_suites
from tests.kit.places import PACKAGE
from tests.kit.rulebooks import OFFICE, compiled

HERE = Path(__file__).parent
SERVICE = PACKAGE
START = 'now: "2026-03-02T10:00:00+08:00"\n'


class Broken(NamedTuple):
    title: str
    files: dict[str, str]
    expected: list[str]


def split(path: Path) -> list[Broken]:
    found = []
    for part in path.read_text("utf-8").split("=== ")[1:]:
        title, _, body = part.partition("\n")
        given, _, expected = body.partition(">>>\n")
        files = {name: text for name, _, text in (file.partition("\n") for file in given.split("@@ ")[1:])}
        found.append(Broken(f"{path.stem}: {title}", files, sorted(expected.split("\n\n")[0].splitlines())))
    return found


BROKEN = [case for path in sorted((HERE / "broken_tests").glob("*.txt")) for case in split(path)]


@pytest.fixture(scope="module")
def rulebook(tmp_path_factory):
    made = compiled(OFFICE, "durable")
    yield made
    made.matcher.close()


@pytest.fixture
def load(rulebook, tmp_path):
    def load_files(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return load_suites(rulebook, tmp_path)

    return load_files


@pytest.mark.parametrize("broken", BROKEN, ids=[broken.title for broken in BROKEN])
def test_a_mistake_is_named_with_its_place(broken, load):
    suites = load(broken.files)

    found = sorted(f"{d.file}:{d.line}:{d.column} {d.code}" for d in suites.diagnostics)
    assert found == broken.expected, "\n".join(map(str, suites.diagnostics))
    assert all(d.severity == "error" for d in suites.diagnostics)


def test_every_code_of_rule_tests_has_a_broken_example():
    shown = {code for broken in BROKEN for line in broken.expected if (code := line.split()[1]).startswith("test-")}

    assert shown == {code.value for code in Code if code.startswith("test-")}


@pytest.mark.parametrize(
    ("case", "hint"),
    [
        ("given: {chanel: web}, expect: {priority: P2}", "did you mean channel?"),
        ("given: {channel: fone}, expect: {priority: P2}", "did you mean phone? to try just that, write {raw: fone}"),
        ("given: {category: complaint}, expect: {priority: P2}", "to set it by hand, give override.category"),
        ("given: {customer.complaints_24h: 2}, expect: {priority: P2}", "write `windows: {customer.complaints_24h: 2}`, or let other requests come first"),
        ("given: {channel: web}, expect: {prioirty: P2}", "did you mean priority?"),
        ("given: {channel: web}, expect: {won_by: danger}", "did you mean decided_by?"),
        ("given: {channel: web}, expect: {due.first_respond: none}", "did you mean first_response?"),
        ("given: {channel: web}, expect: {role: clark}", "did you mean clerk?"),
        ("given: {channel: web}, expect: {priority: null}", "write {is: missing} for a fact that has no value"),
        ("given: {channel: web}, expect: {flags: TIMER_STAL}", "did you mean TIMER_STALE?"),
        ("given: {use: vip}, expect: {priority: P2}", "declare it under `fixtures:`"),
        ("matrix: {tier: [vip]}, given: {customer.tier: {teir}}, expect: {priority: P2}", "did you mean tier?"),
        ("events: [{type: request.recieved}], expect: {priority: P2}", "did you mean request.received?"),
    ],
)  # fmt: skip
def test_a_hint_says_what_to_write(load, case, hint):
    suites = load({"some_test.yaml": f"{START}cases:\n  - {{name: a, {case}}}\n"})

    assert hint in [found.hint for found in suites.diagnostics]


def test_good_cases_are_read_beside_bad_ones(load):
    suites = load(
        {
            "a_test.yaml": START
            + "cases:\n  - {name: bad}\n  - {name: good, given: {channel: web}, expect: {priority: P2}}\n",
            "b_test.yaml": "cases: [",
            "c_test.yaml": START + "cases:\n  - {name: fine, given: {channel: web}, expect: {priority: P2}}\n",
        }
    )

    assert {found.file for found in suites.diagnostics} == {"a_test.yaml", "b_test.yaml"}
    assert [located.case.name for located in suites.cases] == ["good", "fine"]


def test_which_files_are_tests(tmp_path):
    for name in (
        "a_test.yaml",
        "b_test.yml",
        "deep/c_test.yaml",
        "g_test.YAML",
        "test.yaml",
        "d_tests.yaml",
        ".e_test.yaml",
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("", encoding="utf-8")
    for apart in ("samples", "mappings", "examples", ".git"):
        (tmp_path / apart).mkdir()
        (tmp_path / apart / "f_test.yaml").write_text("", encoding="utf-8")

    report = DiagnosticReport()
    assert [path.relative_to(tmp_path).as_posix() for path in find_suites(tmp_path, report)] == [
        "a_test.yaml",
        "b_test.yml",
        "deep/c_test.yaml",
        "g_test.YAML",
    ]
    assert not report.has_errors


def test_a_link_that_never_ends_is_told(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a_test.yaml").write_text("", encoding="utf-8")
    (tmp_path / "deep" / "again").symlink_to(tmp_path)

    report = DiagnosticReport()
    assert [path.name for path in find_suites(tmp_path, report)] == ["a_test.yaml"]
    assert report.has_errors


def test_bytes_that_are_no_text_are_a_mistake(load, tmp_path):
    (tmp_path / "a_test.yaml").write_bytes("now: 起火".encode("gbk"))
    (tmp_path / "b_test.yaml").mkdir()

    suites = load({})

    assert [(d.file, d.code) for d in suites.diagnostics] == [("a_test.yaml", "file-encoding")]


def test_every_flag_of_the_engine_may_be_expected_and_no_other():
    paths = [*(SERVICE / "engine").rglob("*.py"), SERVICE / "domain" / "errors.py"]
    text = "\n".join(path.read_text("utf-8") for path in paths if path.name != "words.py")
    raised = set(re.findall(r'Flag\(\s*"([A-Z_]+)"', text))

    assert raised <= FLAGS, "name a new flag in rule_tests/words.py, so that tests may expect it"
    assert {flag for flag in FLAGS if f'"{flag}"' not in text} == set()


SAMPLE = {
    "now": "2026-03-02T10:00:00+08:00",
    "fixtures": {"vip": {"customer.tier": "vip"}, "both": {"use": ["vip"], "devices": 7}},
    "cases": [
        {"name": "a", "given": {"use": "both", "channel": "web"}, "expect": {"priority": {"at_least": "P1"}}},
        {
            "name": "b {n}",
            "matrix": {"n": [1, 100]},
            "examples": [{"text": "投诉", "expect": {"tags": {"has": "angry"}}}],
            "given": {"devices": "{n}", "text.body": "{text}"},
            "expect": {"effects": [{"kind": "update_request", "count": 1}], "not": {"notified": ["guard"]}},
        },
        {
            "name": "c",
            "windows": {"customer.complaints_24h": 1},
            "events": [
                {"request": "one", "facts": {"customer.id": "C"}, "expect": {"status": "open"}},
                {"type": "request.replied", "after": "1h", "actor": "agent"},
                {"type": "request.closed", "at": "2026-03-03T10:00:00+08:00"},
            ],
            "expect": {"due.first_response": "none", "requests": {"one": {"due.first_response": {"within": "4h"}}}},
            "then_after": {"2h": {"breached": {"not": ["blocked"]}, "clock.blocked": "none"}},
            "then_at": {"2026-03-04T10:00:00+08:00": {"explanation": "x", "decided_by": "normal"}},
        },
    ],
}
JUNK = [
    "P0",
    3,
    True,
    None,
    [],
    {},
    1.5,
    ["a"],
    {"not": "x"},
    {"raw": 1},
    "{n}",
    {"n": None},
    "16m",
    [[1], [2]],
    -1,
    "",
]


def places(node, path=()):
    if path:
        yield path
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from places(value, (*path, key))


def damaged(chance):
    """The sample with a few of its values replaced, or moved under the key of another."""
    whole = json.loads(json.dumps(SAMPLE))
    for _ in range(chance.randint(1, 4)):
        known = list(places(whole))
        *way, last = chance.choice(known)
        node = whole
        for key in way:
            node = node[key]
        junk = json.loads(json.dumps(chance.choice(JUNK)))
        if isinstance(node, dict) and chance.random() < 0.3:
            node[str(chance.choice(known)[-1])] = node.pop(last)
        else:
            node[last] = junk
    return whole


def test_no_file_makes_the_reader_fail(rulebook):
    chance, steps = random.Random(7), RememberingSteps(rulebook)
    mistaken = 0
    for _ in range(400):
        text = json.dumps(damaged(chance), ensure_ascii=False)
        suites = load_suite_texts(rulebook, [RuleText("some_test.yaml", text, "")])
        mistaken += bool(suites.diagnostics)
        for located in suites.cases:
            run_case(steps, located)
    assert mistaken > 300
