"""`answerby diff`: what it prints, and its exit status."""

from __future__ import annotations

import json
import shutil

import pytest


@pytest.fixture
def changed(incident_rules, tmp_path):
    """A copy of the incident rules, and what changes one of its files."""
    folder = tmp_path / "changed"
    shutil.copytree(incident_rules, folder)

    def change(name, before, after):
        text = (folder / name).read_text(encoding="utf-8")
        assert before in text
        (folder / name).write_text(text.replace(before, after), encoding="utf-8")
        return folder

    return change


def test_a_folder_does_not_differ_from_itself(answerby, incident_rules):
    told = answerby("diff", incident_rules, incident_rules)
    assert (told.exit_code, told.stderr) == (0, "")
    assert "No difference." in told.stdout


def test_a_row_that_decides_otherwise(answerby, incident_rules, changed):
    told = answerby("diff", incident_rules, changed("matrix.yaml", "[high, high, P1]", "[high, high, P2]"))
    assert told.exit_code == 1
    assert "~ rule matrix#1 [matrix.yaml:9]: decides requests otherwise" in told.stdout
    assert "priority: P1 -> P2 (priority)" in told.stdout
    assert "Nothing else is decided otherwise: proved for all facts that the vocabulary takes." in told.stdout


def test_words_only_are_no_difference(answerby, incident_rules, changed):
    told = answerby("diff", incident_rules, changed("matrix.yaml", "Priority follows", "The priority follows"))
    assert told.exit_code == 0
    assert "Changed in words only: rule matrix#1 (because)" in told.stdout
    assert "No change in meaning: proved." in told.stdout


def test_as_data_with_a_witness_that_explain_takes(answerby, incident_rules, changed, tmp_path):
    folder = changed("matrix.yaml", "[high, high, P1]", "[high, high, P2]")
    told = json.loads(answerby("diff", incident_rules, folder, "--format", "json").stdout)
    assert (told["changed_meaning"], told["proved"]) == (True, True)
    difference = next(d for d in told["differences"] if d["output"] == "priority")
    assert (difference["old"]["value"], difference["new"]["value"]) == ("P1", "P2")
    witness = tmp_path / "witness.json"
    witness.write_text(json.dumps(difference["event"]))
    for rules, side in ((incident_rules, "old"), (folder, "new")):
        explained = json.loads(answerby("explain", "--event", witness, "--rules", rules, "--json").stdout)
        assert explained["decision"]["facts"]["priority"]["string_value"] == difference[side]["value"]


def test_trouble_is_status_2(answerby, incident_rules, changed, tmp_path):
    broken = changed("matrix.yaml", "[high, high, P1]", "[high, high, P9]")
    for arguments in (
        (incident_rules, broken),
        (tmp_path / "nowhere", incident_rules),
        (incident_rules, incident_rules, "--format", "xml"),
    ):
        told = answerby("diff", *arguments)
        assert told.exit_code == 2
        assert told.stderr.startswith("answerby: ")
        assert told.stdout == ""


def test_revisions_of_a_server_and_a_folder_in_any_mixture(answerby, target, incident_rules, changed):
    folder = changed("matrix.yaml", "[high, high, P1]", "[high, high, P2]")
    upload = answerby("rulebook", "upload", folder, "--reason", "lower", "--target", target.address)
    assert upload.exit_code == 0, upload.stderr
    kept = answerby("rulebook", "revisions", "--json", "--target", target.address).stdout.splitlines()
    second, first = (json.loads(line)["revision"] for line in kept)
    of_folders = answerby("diff", incident_rules, folder)
    for old, new in ((first, second), (first, folder), (incident_rules, second), (first, "active")):
        told = answerby("diff", old, new, "--target", target.address)
        assert (told.exit_code, told.stdout) == (1, of_folders.stdout), told.stderr
    same = answerby("diff", second, "active", "--target", target.address)
    assert (same.exit_code, "No difference." in same.stdout) == (0, True)


def test_a_mistyped_revision_is_called_one(answerby, target, incident_rules):
    told = answerby("diff", "r-123", "active", "--target", target.address)
    assert told.exit_code == 2
    assert told.stderr.startswith("answerby: r-123: there is no such folder, and no server keeps such a revision: ")


def test_a_revision_that_no_server_has_is_trouble(answerby, target, incident_rules):
    missing = answerby("diff", "r-0123456789abcdef", incident_rules, "--target", target.address)
    assert missing.exit_code == 2
    assert missing.stderr.startswith("answerby: r-0123456789abcdef: ")
    assert missing.stdout == ""
