"""The durable and the reference matcher agree, with each other and with Kleene's logic, on generated rules and records.

Each run has a process of its own: a crash of the C engine is a failed test with the seed that reproduces it:
`python tests/unit/engine/engine_cases.py --seed S --cases N`.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.examples import PROFILE, scaled
from tests.kit.needs import needs_durable

SEED = int(os.environ.get("ENGINE_SEED", random.randrange(10**9) if PROFILE == "deep" else 1))


@needs_durable
@pytest.mark.process
@pytest.mark.parametrize(
    "cases",
    [
        pytest.param(scaled(20_000), id="usual"),
        pytest.param(100_000, id="100000", marks=pytest.mark.deep),
    ],
)
def test_durable_equals_reference_on_complete_match_sets(cases):
    script = Path(__file__).parents[1] / "engine_cases.py"
    print(f"seed {SEED}; set ENGINE_SEED to repeat")
    command = [sys.executable, str(script), "--seed", str(SEED), "--cases", str(cases)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, f"seed {SEED}: exit status {run.returncode}\n{run.stderr[-2_000:]}"
    result = json.loads(run.stdout)
    print(result)
    assert result["difference"] == ""
    assert result["cases"] >= cases
    assert result["faults"] == 0
    # The cases must be worth something: matches, errors and whole rulebooks that match are among them.
    assert result["matched"] > cases
    assert result["failed"] > cases / 10
    assert result["full"] > 0
