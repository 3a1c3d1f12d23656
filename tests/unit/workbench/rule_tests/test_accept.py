"""`answerby test --accept`: what moved is shown with its reckoning, and written at a person's word, and nothing else."""

from __future__ import annotations

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from answerby.cli.test.commands import run_rule_tests
from answerby.workbench.rule_tests.accept.file_edits import Edit, edited, value_spans
from tests.kit.rulebooks import OFFICE, variant, write

TESTS = """\
# What the office promises.
now: "2026-03-02T10:00:00+08:00"   # a Monday
cases:
  - name: a request is answered within the hours of the office
    given: {channel: web}      # by nobody in particular
    expect:
      due.first_response:   "2026-03-02T14:00:00+08:00"   # before the afternoon
      priority: P2
  - {name: in working hours, given: {channel: phone}, expect: {due.first_response: 4h, missing: [contact.name]}}

  - name: "a VIP by {channel}"
    matrix: {channel: [web, phone]}
    given: {channel: "{channel}", customer.tier: vip}
    expect: {due.first_response: 4h,  priority: 'P1'}
"""
# Two hours instead of four: 12:00.
SHORTER = variant(
    OFFICE,
    sla="""
stage: sla
rules:
  - {id: normal, because: faster now, then: {sla.first_response: 2h}}
""",
)


@pytest.fixture
def folder(tmp_path):
    rules = write(tmp_path / "rules", SHORTER)
    (rules / "promise_test.yaml").write_text(TESTS, encoding="utf-8")
    return rules


@pytest.fixture
def answerby_test():
    app = typer.Typer()
    app.command()(run_rule_tests)

    def run(folder, *options, answer=None):
        done = CliRunner().invoke(app, [str(folder), *options], input=answer)
        return done.exit_code, done.output

    return run


def test_a_shorter_promise_is_taken_over_at_a_persons_word(folder, answerby_test):
    status, shown = answerby_test(folder, "--accept", answer="y\n")

    assert status == 0, shown
    assert "MOVED promise_test.yaml:7 due.first_response\n" in shown
    assert "  was: 2026-03-02T14:00:00+08:00\n" in shown
    assert "  now: 2026-03-02T12:00:00+08:00\n" in shown
    assert "target 2h on office (normal)" in shown
    assert "2026-03-02  2h" in shown
    assert "0m of working time" not in shown
    assert "Write 3 expectations into promise_test.yaml? [y/N]" in shown
    assert shown.endswith("4 passed, 0 failed\n")
    expected = TESTS.replace("T14:00:00", "T12:00:00").replace("due.first_response: 4h", "due.first_response: 2h")
    assert (folder / "promise_test.yaml").read_text("utf-8") == expected


@pytest.mark.parametrize("answer", ["n\n", "\n", None])
def test_nothing_is_written_without_the_word(folder, answerby_test, answer):
    status, shown = answerby_test(folder, "--accept", answer=answer)

    assert status == 1
    assert "nothing is written" in shown
    assert (folder / "promise_test.yaml").read_text("utf-8") == TESTS


def test_scripts_say_yes(folder, answerby_test):
    status, shown = answerby_test(folder, "--accept", "--yes", "--language", "zh")

    assert (status, "?" in shown) == (0, False)
    assert "变动 promise_test.yaml:7 due.first_response" in shown
    assert answerby_test(folder, "--yes")[0] == 2


def test_only_the_chosen_cases_are_taken_over(folder, answerby_test):
    status, _ = answerby_test(folder, "--accept", "--yes", "--filter", "in working hours")

    assert status == 0
    assert (folder / "promise_test.yaml").read_text("utf-8") == TESTS.replace(
        "expect: {due.first_response: 4h, missing", "expect: {due.first_response: 2h, missing"
    )


def test_a_mistake_is_never_accepted(folder, answerby_test):
    text = TESTS + "  - {name: bad, given: {chanel: web}, expect: {due.first_response: 4h, priority: P7}}\n"
    (folder / "promise_test.yaml").write_text(text, encoding="utf-8")
    status, shown = answerby_test(folder, "--accept", "--yes")

    assert status == 2
    assert "4 passed, 0 failed, 1 broken" in shown
    assert (folder / "promise_test.yaml").read_text("utf-8").endswith(text[-90:])


def cases(*lines):
    return 'now: "2026-03-02T10:00:00+08:00"\ncases:\n' + "".join(f"  - {line}\n" for line in lines)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{name: a, given: {customer.tier: vip}, expect: {priority: P2}}", "priority: P1"),
        ("{name: a, given: {customer.tier: vip}, expect: {priority: {at_most: P2}}}", "priority: {at_most: P1}"),
        ("{name: a, given: {text.body: 起火}, expect: {tags: []}}", "tags: [safety]"),
        ("{name: a, given: {text.body: hello}, expect: {tags: [safety]}}", "tags: []"),
        ("{name: a, given: {devices: 1}, expect: {devices: {is: missing}}}", "devices: 1"),
        ("{name: a, given: {channel: web}, expect: {devices: 7}}", "devices: {is: missing}"),
        ("{name: a, given: {text.body: 起火}, expect: {notified: [], opened: []}}", "notified: [guard], opened: [recall]"),
        ("{name: a, given: {text.body: 起火}, expect: {status: closed}}", "status: open"),
        ("{name: a, given: {text.body: 起火}, expect: {number_prefix: 202603-DSK}}", "number_prefix: 202603-LAB"),
        ("{name: a, given: {text.body: 起火}, expect: {clock.first_response: met}}", "clock.first_response: running"),
        ("{name: a, given: {text.body: 起火}, expect: {due.first_response: none}}", 'due.first_response: "2026-03-02T12:00:00+08:00"'),
        ("{name: a, given: {text.body: 起火}, expect: {due.blocked: 2h}}", "due.blocked: none"),
        ("{name: a, given: {text.body: 起火}, expect: {due.first_response: {within: 4h, calendar: always}}}", "due.first_response: 2h"),
        ("{name: a, given: {text.body: 起火}, expect: {decided_by: [vip-p1, alarm]}}", "decided_by: [alarm, danger-p0]"),
        ("{name: a, given: {contact.name: Ann}, expect: {contact.name: 'true'}}", "contact.name: Ann"),
        ("{name: a, given: {contact.name: 'true'}, expect: {contact.name: Ann}}", 'contact.name: "true"'),
    ],
)  # fmt: skip
def test_each_kind_of_expectation_is_written_as_it_holds(folder, answerby_test, old, new):
    (folder / "promise_test.yaml").write_text(cases(old), encoding="utf-8")
    status, shown = answerby_test(folder, "--accept", "--yes")

    assert status == 0, shown
    assert new in (folder / "promise_test.yaml").read_text("utf-8")


@pytest.mark.parametrize(
    "case",
    [
        # What is not so, is a person's to say.
        "{name: a, given: {customer.tier: vip}, expect: {priority: {not: P1}}}",
        "{name: a, given: {customer.tier: vip}, expect: {not: {priority: P1}}}",
        "{name: a, given: {channel: web}, expect: {effects: {kind: notify}}}",
        "{name: a, given: {channel: web}, expect: {explanation: nothing like it}}",
        # The value is what happens, too: another one would be another case.
        '{name: "a {tier}", matrix: {tier: [vip]}, given: {customer.tier: "{tier}"}, expect: {contact.name: "{tier}"}}',
        # The cases differ.
        '{name: "a {tier}", matrix: {tier: [vip, standard]}, given: {customer.tier: "{tier}"}, expect: {priority: P0}}',
        # One of the cases holds.
        '{name: "a {tier}", matrix: {tier: [vip, standard]}, given: {customer.tier: "{tier}"}, expect: {priority: P1}}',
    ],
)
def test_what_only_a_person_can_say_is_left(folder, answerby_test, case):
    (folder / "promise_test.yaml").write_text(cases(case), encoding="utf-8")
    status, shown = answerby_test(folder, "--accept", "--yes")

    assert status == 1
    assert "BY HAND promise_test.yaml:3" in shown
    assert (folder / "promise_test.yaml").read_text("utf-8") == cases(case)


def test_the_cell_of_an_example_is_taken_over(folder, answerby_test):
    text = """\
now: "2026-03-02T10:00:00+08:00"
cases:
  - name: "{tier}"
    examples:
      - [tier,     priority]  # the columns
      - [vip,      P2]
      - [standard, P2]
    given: {customer.tier: "{tier}"}
    expect: {priority: "{priority}"}
"""
    (folder / "promise_test.yaml").write_text(text, encoding="utf-8")

    assert answerby_test(folder, "--accept", "--yes")[0] == 0
    assert (folder / "promise_test.yaml").read_text("utf-8") == text.replace("[vip,      P2]", "[vip,      P1]")


def test_the_bytes_around_stay_as_they_are(folder, answerby_test):
    content = b"\xef\xbb\xbf" + TESTS.replace("\n", "\r\n").encode()
    (folder / "promise_test.yaml").write_bytes(content)

    assert answerby_test(folder, "--accept", "--yes")[0] == 0
    expected = content.replace(b"T14:00:00", b"T12:00:00").replace(b"first_response: 4h", b"first_response: 2h")
    assert (folder / "promise_test.yaml").read_bytes() == expected


def test_a_list_over_several_lines_becomes_one(folder, answerby_test):
    text = cases(
        "name: a\n    given: {text.body: 起火}\n    expect:\n      tags:\n        - angry\n        - asks\n      status: open"
    )
    (folder / "promise_test.yaml").write_text(text, encoding="utf-8")

    assert answerby_test(folder, "--accept", "--yes")[0] == 0
    assert "      tags:\n        [safety]\n      status: open\n" in (folder / "promise_test.yaml").read_text("utf-8")


@given(
    st.lists(st.sampled_from(["4h", "'a # b'", '"x: y"', "[a, b]", "{k: v}", "起火", "7"]), min_size=1, max_size=8),
    st.data(),
)
def test_an_edit_changes_the_value_and_nothing_else(values, data):
    text = "".join(f"key{number}:  {value}   # note {number}\n" for number, value in enumerate(values))
    number = data.draw(st.integers(0, len(values) - 1))
    column = len(f"key{number}:  ") + 1

    changed = edited(text, [Edit(number + 1, column, "new")])

    lines = text.splitlines()
    lines[number] = f"key{number}:  new   # note {number}"
    assert changed == "\n".join(lines) + "\n"
    assert (number + 1, column) in value_spans(text)
