"""The plug-in for pytest: `-p answerby_connectors.conformance.plugin --connector-table` ends a run with a table.

A row for each case, a column for each connector. A cell says whether the connector passed the case, in how many of its
variants it did not, or that the case is about something that the connector does not have. The plug-in is named and does
not load itself, since a Python with answerby need not have what the conformance kit needs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import pytest

from answerby_connectors.conformance.cases import Conformance

PROPERTY = "answerby connector"
"""The property of a report that tells the connector and the case, also from the processes of pytest-xdist."""
NOT_RUN, NOT_ASKED, PASSED = "", "-", "pass"
LEGEND = f"{NOT_ASKED}: is about something that the connector does not have"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("answerby").addoption(
        "--connector-table", action="store_true", help="end with a table in Markdown: which connector passed which case"
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--connector-table"):
        config.pluginmanager.register(ConnectorTable(), "answerby connector table")


class ConnectorTable:
    """What became of each case, by connector."""

    def __init__(self) -> None:
        self._outcomes: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        """By case and connector: the outcome of each variant."""

    def pytest_collection_modifyitems(self, items: Sequence[pytest.Item]) -> None:
        """Notes the connector and the case of each test."""
        for item in items:
            if isinstance(item, pytest.Function) and item.cls is not None and issubclass(item.cls, Conformance):
                connector = item.cls.stage_type.__name__.removesuffix("Stage")
                case = item.originalname.removeprefix("test_").replace("_", " ")
                item.user_properties.append((PROPERTY, [connector, case]))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Notes what came of a test; what fails before or after the case itself counts as its failure."""
        if report.when != "call" and not report.failed and not (report.when == "setup" and report.skipped):
            return
        for name, told in report.user_properties:
            if name == PROPERTY and isinstance(told, list):
                connector, case = told
                self._outcomes[case][connector].append(report.outcome)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Prints the table."""
        terminalreporter.section("connector x case")
        for line in table(self._outcomes) if self._outcomes else ["no case of a connector ran"]:
            terminalreporter.write_line(line)


def table(outcomes: Mapping[str, Mapping[str, Sequence[str]]]) -> list[str]:
    """The lines of the table, of the outcomes of the variants by case and connector."""
    connectors = sorted({connector for row in outcomes.values() for connector in row})
    rows = [["case", *connectors]]
    rows += [[case, *(cell(row.get(connector, ())) for connector in connectors)] for case, row in outcomes.items()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return [*lines, "", LEGEND]


def cell(variants: Sequence[str]) -> str:
    """What became of one case at one connector: `FAIL 1 of 4` when one of four variants that ran failed."""
    failed, passed = variants.count("failed"), variants.count("passed")
    if failed:
        return f"FAIL {failed} of {failed + passed}"
    if passed:
        return PASSED
    return NOT_ASKED if variants else NOT_RUN
