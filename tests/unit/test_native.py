"""Compiled code is used if it was compiled from the very sources that lie there, and decides to the same bytes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

from answerby import native
from tests.kit.places import ROOT

WHERE = "from answerby.sla import intervals as code; print(code.__file__)"
COMPILE = "from answerby.build_native import build; build(['answerby.sla.intervals'])"


pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """A copy of the program with one module compiled."""
    folder = tmp_path_factory.mktemp("program")
    ignored = shutil.ignore_patterns("_native", "__pycache__", "docs")
    shutil.copytree(ROOT / "service", folder / "service", ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", folder)
    run(folder, COMPILE)
    return folder


def run(folder: Path, code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(str(folder / part) for part in ("service", "connectors", ".")),
            native.SWITCH: "on",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def test_what_was_compiled_is_used_until_a_source_changes(program):
    assert run(program, WHERE).endswith(".so")
    assert run(program, WHERE, **{native.SWITCH: "off"}).endswith("intervals.py")
    other = program / "service" / "answerby" / "engine" / "stages" / "hit.py"
    text = other.read_text("utf-8")
    try:
        other.write_text(text + "\n# changed\n", "utf-8")
        assert run(program, WHERE).endswith("intervals.py")
    finally:
        other.write_text(text, "utf-8")
    assert run(program, WHERE).endswith(".so")


def test_the_digest_covers_all_that_compiled_modules_import():
    graph = grimp.build_graph("answerby", cache_dir=None)
    compiled = native.modules()
    reached = set(compiled).union(*(graph.find_upstream_modules(module) for module in compiled))
    rooms = tuple(f"answerby.{folder.replace('/', '.')}." for folder in native.SOURCES)
    assert {module for module in reached if not f"{module}.".startswith(rooms)} == set()


def test_make_compiles_again_when_a_source_of_the_digest_changes():
    command = ["make", "--no-print-directory", "--eval", "print-decides: ; @echo $(DECIDES)", "print-decides"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    sources = {
        file.relative_to(ROOT).as_posix() for folder in native.SOURCES for file in (native.HOME / folder).rglob("*.py")
    }
    assert set(listed) == sources | {"service/answerby/native.py"}


PLAY = """
import hashlib, json, sys
from pathlib import Path
import msgspec
from datetime import timedelta
from tests.kit.encoding import decision_bytes
from answerby.engine.compiler import compile_rulebook
from answerby.engine.decide import decide
from answerby.engine.case import Context
from answerby.engine.clocks.virtual_clock import fire_until
from answerby.rules.loader import load_rulebook
from tests.bench.decide_bench import SHIPPED, samples

compiled = compile_rulebook(load_rulebook(SHIPPED).rulebook, "reference")
found, count = hashlib.sha256(), 0
for first in samples():
    state = None
    def take(event, now):
        global state, count
        decision = decide(compiled, state, event, Context(), now)
        found.update(decision_bytes(decision))
        state, count = decision.state, count + 1
        return state
    take(first, first.time)
    for hours, kind in ((1, "request.replied"), (30, "request.customer_replied"), (50, "request.on_hold"),
                        (90, "request.resumed"), (200, "request.completed"), (300, "request.reopened")):
        at = first.time + timedelta(hours=hours)
        fire_until(state, at, take, 40)
        take(msgspec.structs.replace(first, id=f"{first.id}/{hours}", type=kind, time=at, data={}), at)
    fire_until(state, None, take, 40)
print(count, found.hexdigest())
"""


def test_compiled_and_interpreted_code_decide_to_the_same_bytes():
    if not native.MANIFEST.is_file():
        pytest.skip("nothing is compiled here; make native does")
    compiled, interpreted = (run(ROOT, PLAY, **{native.SWITCH: switch}) for switch in ("on", "off"))
    assert compiled == interpreted
    assert int(compiled.split()[0]) > 500
