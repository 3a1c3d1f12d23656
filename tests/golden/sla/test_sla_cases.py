"""Expected figures of service desks and of published test suites, case by case.

Another file of the same format: `pytest tests/golden/sla --sla-cases FILE`. A case that cannot be run fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.golden.sla import behaviours, computed, timeline

OWN = Path(__file__).with_name("sla-cases.yaml")
SCHEMA = "sla-cases/1"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    path = Path(metafunc.config.getoption("--sla-cases") or OWN)
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    if data.get("schema") != SCHEMA:
        raise pytest.UsageError(f"{path}: `schema` is {data.get('schema')!r}, not {SCHEMA!r}")
    if not data.get("cases"):
        raise pytest.UsageError(f"{path}: no cases")
    calendars = data.get("calendars", {})
    cases = [pytest.param(case, calendars, id=str(case.get("id", number))) for number, case in enumerate(data["cases"])]
    metafunc.parametrize(("case", "calendars"), cases)


def test_sla_case(case: Mapping[str, Any], calendars: Mapping[str, Any]) -> None:
    op = case["op"]
    if op in computed.OPS:
        computed.OPS[op](case, calendars)
    elif op == "timeline":
        timeline.run(case, calendars)
    elif op == "behaviour":
        behaviours.run(case, calendars)
    else:
        pytest.fail(f"{op!r} is no operation that this test knows")
