"""A terminal that cannot show Chinese gets escapes or UTF-8, and never a failure."""

from __future__ import annotations

import os

import pytest

from tests.kit.processes import answerby


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1"])
def test_chinese_rules_are_explained_on_an_old_terminal(incident_rules, tmp_path, encoding):
    (tmp_path / "event.json").write_text('{"time": "2026-03-02T09:00:00+08:00", "facts": {}}', "utf-8")
    question = ["--language", "zh", "--event", str(tmp_path / "event.json"), "--rules", str(incident_rules)]
    done = answerby("explain", *question, env={**os.environ, "PYTHONIOENCODING": encoding}, text=False)
    assert (done.returncode, done.stderr) == (0, b"")
    shown = "决定".encode() if encoding == "ascii" else "决定".encode("unicode_escape")
    assert shown in done.stdout
