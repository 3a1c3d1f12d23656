"""`answerby rulebook`: what a person sees and does."""

from __future__ import annotations

import json
import shutil

import pytest


@pytest.fixture
def changed(tmp_path, incident_rules):
    """A folder on this machine with one priority changed."""
    folder = tmp_path / "changed"
    shutil.copytree(incident_rules, folder)
    matrix = folder / "matrix.yaml"
    matrix.write_text(matrix.read_text("utf-8").replace("[high, medium, P2]", "[high, medium, P1]"), "utf-8")
    return folder


@pytest.fixture
def say(answerby, target):
    """A rulebook command on the server; its output. A status other than the one expected fails."""

    def run(*arguments, status=0):
        result = answerby("rulebook", *arguments, "--target", target.address)
        assert result.exit_code == status, result.stderr
        return result.stdout + result.stderr

    return run


def shown(say):
    return json.loads(say("show", "--json"))


def test_a_change_is_uploaded_seen_and_taken_back(say, changed, tmp_path):
    first = shown(say)["revision"]
    assert "is good; nothing was changed" in say("upload", changed, "--check")
    second = say("upload", changed, "--reason", "medium is urgent").split()[0]
    assert shown(say)["revision"] == second != first

    text = say("show")
    assert "ACTIVE" in text
    assert "(local): medium is urgent" in text
    assert "1 of 1 run it" in text
    listed = say("revisions")
    assert listed.index(second) < listed.index(first)
    assert "LIVE" in listed
    assert second in say("workers")

    assert f"{first} is live again, in place of {second}" in say("rollback", "-m", "was wrong")
    assert shown(say)["reason"] == "was wrong"
    entries = [json.loads(line) for line in say("history", "--json").splitlines()]
    assert [entry["action"].removeprefix("RULEBOOK_ACTION_") for entry in entries] == ["ROLLBACK", "UPLOAD", "START"]
    assert "roll back" in say("history")

    say("files", second, "--out", tmp_path / "out")
    assert (tmp_path / "out" / "matrix.yaml").read_bytes() == (changed / "matrix.yaml").read_bytes()
    assert "not empty" in say("files", second, "--out", tmp_path / "out", status=1)


def test_mistakes_are_listed_and_change_nothing(say, changed):
    before = shown(say)["revision"]
    (changed / "matrix.yaml").write_text("stage: priority\nrules: [{id: x, because: y, when: {nope: 1}}]\n", "utf-8")
    text = say("upload", changed, status=1)
    assert "matrix.yaml:2" in text
    assert "FAILED_PRECONDITION" in text
    assert "DEGRADED" in say("show", status=1)
    assert shown_when_degraded(say)["revision"] == before
    assert "is live already" in say("reload")
    assert "ACTIVE" in say("show")


def shown_when_degraded(say):
    return json.loads(say("show", "--json", status=1))


def test_what_is_kept_can_be_approved_refused_and_put_live(say, changed):
    revision = say("upload", changed, "--keep-only").split()[0]
    seen = shown(say)
    assert seen["revision"] != revision
    assert "is rejected" in say("reject", revision, "-m", "no")
    assert "refused" in say("activate", revision, status=1)
    # Without tokens everybody is the same person, who cannot approve what that person brought.
    assert "PERMISSION_DENIED" in say("approve", revision, "--activate", status=1)
    assert "ABORTED" in say("rollback", "--etag", "g999", status=1)
    assert shown(say)["etag"] == seen["etag"]
    assert "NOT_FOUND" in say("activate", "r-none", status=1)


def test_a_revision_is_tried_and_promoted(say, changed):
    revision = say("upload", changed, "--keep-only").split()[0]
    assert "on trial with 50 % of the requests, category incident" in say(
        "try", revision, "--percent", "50", "--category", "incident", "--reason", "look first"
    )
    text = say("trial")
    assert f"on trial   {revision}, 50 % of the requests, category incident" in text
    assert "by (local): look first" in text
    assert "compared   0 decisions, 0 differ" in text
    assert json.loads(say("trial", "--json"))["candidate"]["revision"] == revision
    assert f"the trial of {revision} is over" in say("stop")
    assert "nothing was on trial" in say("stop")
    assert "nothing is on trial" in say("trial")
    assert "No revision is on trial" in say("promote", status=1)
    say("try", revision)
    assert f"{revision} is live" in say("promote", "--reason", "it is better")
    assert shown(say)["revision"] == revision
