"""The pages of metrics, reasons and flags list what the code has, no less and no more."""

from __future__ import annotations

import re

from prometheus_client import CollectorRegistry

from answerby.domain.decision import LASTING_FLAGS
from answerby.server.base.metrics import Metrics
from answerby.server.flow.processing.own_writes import OWN_WRITE
from answerby.server.rpc.errors import CODES, RETRY_SECONDS
from answerby.workbench.rule_tests.suite.known_names import FLAGS
from tests.kit.places import REFERENCE

REASON = re.compile(r"^\| `(\w+)` \| (\w+) \| (?:([\d.]+) s)? ?\|", re.MULTILINE)
METRIC = re.compile(r"^\| `(answerby_\w+)` \| [^|]*\| ([^|]*) \|$", re.MULTILINE)
OF_THE_SUPERVISOR = {"answerby_workers", "answerby_worker_restarts"}
FLAG = re.compile(r"^\| `([A-Z_]+)` \| [^|]+ \|$", re.MULTILINE)


def text(page: str) -> str:
    return (REFERENCE / page).read_text("utf-8")


def test_every_reason_has_its_code_and_its_retry() -> None:
    rows = {reason: (code, float(retry or 0)) for reason, code, retry in REASON.findall(text("reasons.md"))}

    assert rows == {reason: (code.name, RETRY_SECONDS.get(reason, 0.0)) for reason, code in CODES.items()}


def test_every_flag_is_explained() -> None:
    rows = FLAG.findall(text("reasons.md"))

    # A rule test has no connector, so it expects no flag of the server.
    assert rows == sorted(FLAGS | {OWN_WRITE})


def test_the_flags_that_last_are_named() -> None:
    section = text("reasons.md").split("### Flags that last", 1)[1]

    assert re.findall(r"`([A-Z_]+)`", section) == sorted(LASTING_FLAGS)


def test_every_metric_is_listed_with_what_it_counts() -> None:
    registry = CollectorRegistry()
    Metrics(registry)
    rows = dict(METRIC.findall(text("metrics.md")))

    assert rows.keys() == {family.name for family in registry.collect()} | OF_THE_SUPERVISOR
    for family in registry.collect():
        assert rows[family.name].startswith(family.documentation)
