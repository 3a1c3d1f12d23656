"""Which commit the source is, with git and without."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from answerby.revision import revision

COMMIT = "5ae7e48f3c1a00112233445566778899aabbccdd"
pytestmark = pytest.mark.process
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="no git on this machine")


@pytest.fixture
def no_git(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("PATH", str(tmp_path_factory.mktemp("empty")))


@pytest.fixture
def folder(tmp_path):
    """A `.git` of a checkout on the branch main."""
    made = tmp_path / ".git"
    made.mkdir()
    (made / "HEAD").write_text("ref: refs/heads/main\n")
    return made


def of(checkout: Path) -> str:
    return revision(note=checkout / "revision.txt", checkout=checkout)


def git(checkout: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org", "-c", "commit.gpgsign=false")
    command = ["git", "-C", str(checkout), *identity, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path):
    """With one commit."""
    git(tmp_path, "init", "--quiet")
    (tmp_path / "file").write_text("first")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "--quiet", "--message", "Begin")
    return tmp_path


@needs_git
def test_git_tells_the_commit_and_whether_it_was_changed(checkout):
    commit = git(checkout, "rev-parse", "HEAD")[:12]
    assert of(checkout) == commit
    (checkout / "new").write_text("no part of it")
    assert of(checkout) == commit
    (checkout / "file").write_text("second")
    assert of(checkout) == f"{commit}+changes"


@needs_git
def test_the_variables_of_a_hook_lead_to_no_other_repository(checkout, tmp_path_factory, monkeypatch):
    commit = of(checkout)
    other = tmp_path_factory.mktemp("other")
    git(other, "init", "--quiet")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    assert of(checkout) == commit


@needs_git
def test_without_git_the_files_of_a_worktree_tell_the_same(checkout, tmp_path_factory, monkeypatch):
    worktree = tmp_path_factory.mktemp("worktrees") / "one"
    git(checkout, "worktree", "add", "--quiet", "-b", "topic/one", str(worktree))
    git(checkout, "pack-refs", "--all")
    expected = git(checkout, "rev-parse", "HEAD")[:12]
    monkeypatch.setenv("PATH", "")
    assert of(worktree) == of(checkout) == expected


def test_a_branch_is_followed(folder, no_git):
    (folder / "refs" / "heads").mkdir(parents=True)
    (folder / "refs" / "heads" / "main").write_text(f"{COMMIT}\n")
    assert of(folder.parent) == COMMIT[:12]


def test_a_packed_branch_is_followed(folder, no_git):
    (folder / "packed-refs").write_text(
        f"# pack-refs with: peeled\n{'0' * 40} refs/heads/old\n{COMMIT} refs/heads/main\n"
    )
    assert of(folder.parent) == COMMIT[:12]


def test_a_commit_without_a_branch_is_taken(folder, no_git):
    (folder / "HEAD").write_text(f"{COMMIT}\n")
    assert of(folder.parent) == COMMIT[:12]


def test_a_checkout_without_a_commit_and_no_checkout_are_unknown(folder, no_git, tmp_path_factory):
    assert of(folder.parent) == ""
    assert of(tmp_path_factory.mktemp("elsewhere")) == ""


def test_the_package_of_a_build_has_it_noted(folder):
    (folder.parent / "revision.txt").write_text(f"{COMMIT[:12]}\n")
    assert of(folder.parent) == COMMIT[:12]


def test_a_repository_further_up_is_another(folder):
    (folder / "HEAD").write_text(f"{COMMIT}\n")
    installed = folder.parent / "venv" / "site-packages"
    installed.mkdir(parents=True)
    assert of(installed) == ""
