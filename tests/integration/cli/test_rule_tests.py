"""`answerby test`: the shipped rules pass their tests; failures and empty folders have status 1."""

import shutil
import subprocess
import sys
from pathlib import Path

RULES = Path(__file__).resolve().parents[3] / "rules"


def answerby_test(folder):
    command = [sys.executable, "-m", "service.cli.main", "test", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_the_shipped_rules_pass_their_tests():
    done = answerby_test(RULES)
    assert done.returncode == 0, done.stdout
    assert ", 0 failed" in done.stdout


def test_a_failing_case_and_a_folder_without_tests_fail(tmp_path):
    folder = tmp_path / "rules"
    shutil.copytree(RULES, folder, ignore=shutil.ignore_patterns("*_test.yaml"))
    none = answerby_test(folder)
    assert (none.returncode, "no *_test.yaml file" in none.stdout) == (1, True)
    (folder / "wrong_test.yaml").write_text(
        'now: "2026-03-02T10:00:00+08:00"\ncases: [{name: wrong, given: {channel: phone}, expect: {channel: fax}}]\n',
        encoding="utf-8",
    )
    failed = answerby_test(folder)
    assert failed.returncode == 1
    assert "FAILED wrong_test.yaml:2 wrong\n  channel: expected fax, got nothing" in failed.stdout
