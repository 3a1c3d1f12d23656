"""A connector of another package: installed by pip beside answerby, named in the configuration, delivered to."""

from __future__ import annotations

from pathlib import Path

import pytest

from answerby.cli.serve.own_server import free_port
from answerby_connectors.kit.registry import connector_types
from tests.integration.packaging.conftest import install, run

PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "acme-desk"
version = "1.2"
dependencies = ["answerby"]

[project.entry-points."answerby.connectors"]
acme = "acme_desk:Desk"
acme-broken = "acme_desk.missing:Desk"
"""
CODE = """
import json
from collections.abc import Mapping
from pathlib import Path

from answerby.domain.effect import EffectKind
from answerby_connectors.kit.base import DONE, Delivery, Guarantee, Manifest, Outcome, Settings, parse_settings


class DeskSettings(Settings):
    notes: Path


class Desk:
    def __init__(self, name: str, settings: Mapping[str, object]) -> None:
        self._settings = parse_settings(DeskSettings, name, settings)
        self.manifest = Manifest(name, frozenset(EffectKind), Guarantee.AT_LEAST_ONCE, False, "A file of notes.")

    async def deliver(self, delivery: Delivery) -> Outcome:
        with self._settings.notes.open("a") as notes:
            notes.write(json.dumps({"request_id": delivery.request_id, "key": delivery.effect.key}) + "\\n")
        return DONE

    async def close(self) -> None:
        return None
"""
CONFIGURATION = """
[[connectors]]
name = "desk"
type = "acme"
sources = ["*"]
effects = ["notify", "create_task", "open_case"]
settings = {notes = ".answerby/delivered.jsonl"}
"""
"""It writes the file that `answerby run` counts deliveries in."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "acme"
    (folder / "acme_desk").mkdir(parents=True)
    (folder / "pyproject.toml").write_text(PROJECT)
    (folder / "acme_desk" / "__init__.py").write_text(CODE)
    return folder


def refusal(python: Path, connector: str, cwd: Path) -> str:
    """The error of a connector that cannot be built."""
    code = f"from answerby_connectors.kit.registry import build_connector; build_connector('desk', {connector!r}, {{}})"
    done = run(python, "-c", code, cwd=cwd, check=False)
    assert done.returncode == 1
    return done.stderr.splitlines()[-1]


def test_it_is_delivered_to(python, project, tmp_path):
    (tmp_path / "answerby.toml").write_text(CONFIGURATION)
    shipped = ", ".join(sorted(connector_types()))
    assert f"no type 'acme'; the types are {shipped}. A package that" in refusal(python, "acme", tmp_path)

    install(python, project, "--no-build-isolation")
    listen = f"127.0.0.1:{free_port('127.0.0.1')}"
    command = (python, "-m", "answerby", "run", "--once", "--listen", listen, "--config", "answerby.toml")

    assert "83 of 83 effects delivered" in run(*command, cwd=tmp_path).stdout
    broken = refusal(python, "acme-broken", tmp_path)
    assert (
        "type 'acme-broken' of acme-desk 1.2 (acme_desk.missing:Desk) cannot be loaded (ModuleNotFoundError" in broken
    )
