"""The lock files: every dependency at one version, proved by hashes, from no index in particular."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.kit.places import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
RUN = PROJECT["dependencies"]
DEV = [*RUN, *PROJECT["optional-dependencies"]["dev"]]
LOCKS = pytest.mark.parametrize(("name", "wanted"), [("run", RUN), ("dev", DEV)])
PINNED = re.compile(r"^([\w.-]+)(?:\[[\w,-]+\])?==(\S+)", re.MULTILINE)


def text_of(name: str) -> str:
    return (ROOT / ".lock" / f"{name}.txt").read_text("utf-8")


@LOCKS
def test_what_the_project_asks_for_is_pinned_as_it_asks(name, wanted):
    pinned = {canonicalize_name(package): version for package, version in PINNED.findall(text_of(name))}
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)], prereleases=True), (
            requirement
        )


@LOCKS
def test_every_package_has_hashes_and_none_names_where_it_comes_from(name, wanted):
    text = text_of(name)
    entries = re.split(r"^(?=[\w.-]+(?:\[|==))", text, flags=re.MULTILINE)[1:]
    assert len(entries) >= len(wanted)
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
    assert not re.search(r"^\s*--(?!hash)", text, re.MULTILINE)


def test_what_runs_is_what_is_developed_with():
    assert set(PINNED.findall(text_of("run"))) <= set(PINNED.findall(text_of("dev")))
