"""Every example of the how-to on rule tests does what it says, in both languages, beside the rules that ship."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.kit import processes
from tests.kit.places import HOWTO, ROOT

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PLACE = re.compile(r"# rules/(\S+)( fails)?\n")
LANGUAGES = {"rule-tests.md": "en", "rule-tests.zh.md": "zh"}


def blocks(page: str) -> list[tuple[str, str]]:
    return BLOCK.findall((HOWTO / page).read_text("utf-8"))


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """The shipped rules with the fixtures that all their tests share, and no test."""
    folder = tmp_path / "rules"
    shutil.copytree(ROOT / "rules", folder, ignore=shutil.ignore_patterns("*_test.yaml"))
    shutil.copy(ROOT / "rules" / "fixtures_test.yaml", folder)
    return folder


def answerby_test(folder: Path, language: str) -> subprocess.CompletedProcess[str]:
    return processes.answerby("test", folder, "--language", language)


def write(folder: Path, page: str, *, failing: bool) -> None:
    for kind, text in blocks(page):
        place = PLACE.match(text)
        assert (kind == "yaml") == (place is not None)
        if place is not None and bool(place[2]) == failing:
            (folder / place[1]).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("page", LANGUAGES)
def test_the_examples_pass(rules: Path, page: str) -> None:
    write(rules, page, failing=False)
    done = answerby_test(rules, LANGUAGES[page])
    assert done.returncode == 0, done.stdout
    # first 1, waiting 1, again 1, agreed 2, many 6 + 2, dealer 1
    assert re.search(r"15 (passed|个通过)", done.stdout), done.stdout


@pytest.mark.parametrize("page", LANGUAGES)
def test_the_failing_example_fails_as_shown(rules: Path, page: str) -> None:
    write(rules, page, failing=True)
    done = answerby_test(rules, LANGUAGES[page])
    assert done.returncode == 1
    shown = [text for kind, text in blocks(page) if kind == "text"]
    assert len(shown) == 3
    for text in shown[:2]:
        assert without_lines(text) in without_lines(done.stdout)


@pytest.mark.parametrize("page", LANGUAGES)
def test_what_moved_is_shown_as_on_the_page(rules: Path, page: str) -> None:
    write(rules, page, failing=True)
    done = processes.answerby("test", rules, "--language", LANGUAGES[page], "--accept", stdin=subprocess.DEVNULL)
    assert done.returncode == 1
    (_, _, shown) = [text for kind, text in blocks(page) if kind == "text"]
    assert shown.strip() in done.stdout


def without_lines(text: str) -> str:
    """Rules move within their files, which changes nothing that the page explains."""
    return re.sub(r"\.yaml:\d+\]", ".yaml:N]", text)


@pytest.mark.parametrize("page", LANGUAGES)
def test_the_mistake_is_reported_as_shown(rules: Path, page: str) -> None:
    write(rules, page, failing=False)
    first = rules / "priority" / "first_test.yaml"
    first.write_text(first.read_text("utf-8").replace("severity:", "sevrity:"), encoding="utf-8")
    done = answerby_test(rules, LANGUAGES[page])
    assert done.returncode == 2
    shown = "".join(f"    {line}\n" for line in done.stdout.splitlines()[:3])
    assert "^^^^^^^" in shown
    assert shown in (HOWTO / page).read_text("utf-8")
