"""`answerby --version`: one line."""

from __future__ import annotations

import re
import sys

import pytest
from typer.testing import CliRunner

from answerby import __version__, native
from answerby.cli import version
from answerby.cli.main import app
from tests.kit.needs import has_durable

pytestmark = pytest.mark.process  # git tells the revision


def line() -> str:
    shown = CliRunner().invoke(app, ["--version"])
    assert shown.exit_code == 0
    assert shown.stdout.count("\n") == 1
    return shown.stdout.rstrip("\n")


def test_one_line_tells_the_version_the_commit_and_what_decides():
    pattern = (
        r"answerby (\S+) \(revision (unknown|[0-9a-f]{12}(?:\+changes)?); (compiled|interpreted, .+); matcher (.+)\)"
    )
    found = re.fullmatch(pattern, line())
    assert found is not None
    assert found[1] == __version__
    assert (found[3] == "compiled") == native.in_use()
    assert (
        found[4] == "durable" if has_durable else found[4].startswith("reference, durable-rules cannot be imported: ")
    )


def test_an_unknown_commit_is_unknown(monkeypatch):
    monkeypatch.setattr(version, "revision", lambda: "")
    assert "(revision unknown; " in line()


def test_why_nothing_compiled_decides(monkeypatch, tmp_path):
    others = [finder for finder in sys.meta_path if not isinstance(finder, native.Finder)]
    monkeypatch.setattr(sys, "meta_path", others)
    monkeypatch.setenv(native.SWITCH, "off")
    assert f"; interpreted, {native.SWITCH} is off; " in version.version_line()
    monkeypatch.delenv(native.SWITCH)
    monkeypatch.setattr(native, "MANIFEST", tmp_path / "manifest.json")
    assert "; interpreted, nothing is compiled here; " in version.version_line()
    native.MANIFEST.touch()
    assert "; interpreted, a source changed since; " in version.version_line()


@pytest.fixture
def no_durable(monkeypatch):
    monkeypatch.setitem(sys.modules, "durable_rules_engine", None)
    for module in ("answerby.engine.matching.durable", "answerby.engine.matching.session"):
        monkeypatch.delitem(sys.modules, module, raising=False)


def test_why_the_reference_decides(no_durable):
    assert "; matcher reference, durable-rules cannot be imported: " in line()
