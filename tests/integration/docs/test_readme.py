"""What the README shows is what happens: its rule, its test, its table, its mistake and its call."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.docs.shell import FENCE
from tests.kit.places import ROOT, RULES
from tests.kit.processes import answerby, free_address, run
from tests.kit.served import serving

README = (ROOT / "README.md").read_text("utf-8")
BUF = Path(sys.executable).with_name("buf")


def shown(after: str) -> list[str]:
    """The lines of the indented block that follows a text of the README."""
    block = re.match(r"[^\n]*\n+((?:    .*\n|\n)*)", README.partition(after)[2])
    assert block is not None, after
    return [line[4:] for line in block[1].rstrip("\n").splitlines()]


def example(file: str) -> Any:
    return next(yaml.safe_load(text) for language, _, text in FENCE.findall(README) if f"# {file}\n" in text)


def shipped(file: str) -> Any:
    return yaml.safe_load((ROOT / file).read_text("utf-8"))


def within(part: Any, whole: Any) -> bool:
    """Whether the whole says everything that the part says, and maybe more."""
    if isinstance(part, dict):
        return all(key in whole and within(value, whole[key]) for key, value in part.items())
    if isinstance(part, list):
        return all(any(within(item, other) for other in whole) for item in part)
    return bool(part == whole)


@pytest.mark.parametrize("file", ["rules/priority/severity.yaml", "rules/priority/severity_test.yaml"])
def test_the_rule_and_its_test_ship(file: str) -> None:
    assert within(example(file), shipped(file))


def test_the_mistake_is_named_as_shown(tmp_path: Path) -> None:
    shutil.copytree(RULES, tmp_path / "rules")
    head = "stage: priority\nrules:\n  - id: vip\n    because: x\n    rank: 50\n"
    wrong = head + "    when: {customer.teir: vip}\n    then: {priority: P1}\n"
    (tmp_path / "rules" / "priority" / "vip.yaml").write_text(wrong, "utf-8")

    done = answerby("check", "rules", cwd=tmp_path)

    assert done.stdout.splitlines()[:4] == shown("The server goes on with its last good rules:")[1:]


def test_the_shipped_rule_tests_pass_as_shown() -> None:
    done = answerby("test", "rules", cwd=ROOT)

    assert (
        done.stdout.splitlines() == shown("      16m: {breached: [first_response, safety_acknowledgement]}\n```\n")[1:]
    )


def test_the_samples_are_decided_as_shown(tmp_path: Path) -> None:
    done = answerby("run", "--once", "--listen", "127.0.0.1:0", "--rules", RULES, cwd=tmp_path)

    printed = [line.strip() for line in done.stdout.splitlines()]
    requests = [line for line in printed if " REQ-" in line]
    assert f"prints a table of the {len(requests)} sample requests" in README
    assert [
        line.rstrip() for line in shown("sample requests (shortened):") if line and line.rstrip() not in printed
    ] == []


@pytest.mark.skipif(not BUF.exists(), reason="needs buf, which make setup installs")
def test_the_call_answers_as_shown(tmp_path: Path) -> None:
    command = shlex.split("\n".join(shown("`buf` is in the virtual environment:")).replace("\\\n", " "))
    address = free_address()
    settings = {
        "server": {"listen": address},
        "store": {"data_folder": str(tmp_path / "data")},
        "rules": {"folder": str(RULES), "watch": False},
        "metrics": {"listen": None},
    }
    with serving(settings) as served:
        served.address()
        done = run([BUF, *[word.replace("127.0.0.1:50051", address) for word in command[1:]]])

    decision = json.loads(done.stdout)["decision"]
    text = "\n".join(shown("It prints (shortened)\n"))
    facts = dict(re.findall(r'"(\w+)": \{"stringValue": "(\w[\w-]*)"\}', text))
    assert len(facts) == 5
    assert {name: decision["facts"][name]["stringValue"] for name in facts} == facts
    clock = json.loads(re.search(r'"clocks": \[(\{.*?), \.\.\.\}', text, re.DOTALL)[1] + "}")
    assert len(clock) == 6
    assert within([clock], decision["clocks"])
    assert within({"id": "T-1/1", "requestId": "T-1", "sequence": "1", "status": "open"}, decision)
