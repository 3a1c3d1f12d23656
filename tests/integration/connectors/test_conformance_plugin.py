"""The table of connectors and cases that the plug-in prints at the end of a run of pytest."""

from __future__ import annotations

import os
import sys

import pytest

from answerby_connectors.conformance.hostile import HOSTILE
from tests.kit.places import ROOT
from tests.kit.processes import run

TESTS = """
from answerby_connectors.conformance import Conformance
from tests.kit.stages import FileStage, WebhookStage

class BadStage(FileStage):
    def notes(self):
        return ["\\x1b"]

class TestFile(Conformance):
    stage_type = FileStage

class TestBad(Conformance):
    stage_type = BadStage

class TestWebhook(Conformance):
    stage_type = WebhookStage

def test_of_something_else():
    pass
"""
CASES = "certificate or hostile or tenants or else"


def output(folder, *options):
    (folder / "test_desks.py").write_text(TESTS, "utf-8")
    plugin = ("-p", "answerby_connectors.conformance.plugin")
    path = os.pathsep.join(map(str, (ROOT, ROOT / "service", ROOT / "connectors")))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin, "-k", CASES, *options]
    return run([*command, "test_desks.py"], cwd=folder, env={**os.environ, "PYTHONPATH": path}).stdout


@pytest.mark.parametrize("processes", [(), ("-n", "2")], ids=["one process", "xdist"])
def test_the_table_says_which_connector_passed_which_case(tmp_path, processes):
    printed = output(tmp_path, "--connector-table", *processes)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in printed.splitlines() if line.startswith("|")]
    assert rows[0] == ["case", "Bad", "File", "Webhook"]
    failed = f"FAIL {len(HOSTILE)} of {len(HOSTILE)}"
    assert sorted(rows[2:]) == [
        ["a wrong certificate is named and nothing is sent", "-", "-", "pass"],
        ["hostile text is written once and stays text", failed, "pass", "pass"],
        ["two tenants do not meet", "pass", "pass", "pass"],
    ]


def test_without_the_option_there_is_no_table(tmp_path):
    printed = output(tmp_path)
    assert f"{len(HOSTILE)} failed" in printed
    assert "| case" not in printed
