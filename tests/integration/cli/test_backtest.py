"""`answerby backtest` and `answerby export`: the eight requests of tests/unit/workbench/backtest/repairs.py as a file and on a server."""

from __future__ import annotations

import json
import lzma
import multiprocessing
import re
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from answerby.cli.backtest import run
from answerby.cli.client import Server
from tests.kit.processes import free_address
from tests.kit.rulebooks import REPAIRS, write
from tests.unit.workbench.backtest.repairs import MAPPING, NEW, export, groups

VOID = {"meta"}


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """Old and new rules, the export and its mapping, in one folder."""
    folder = tmp_path / "desk"
    write(folder / "old", REPAIRS)
    write(folder / "new", NEW)
    (folder / "export.csv").write_text(export(groups()), encoding="utf-8")
    (folder / "map.yaml").write_text(MAPPING, encoding="utf-8")
    return folder


@pytest.fixture
def backtest(answerby: Callable[..., Any], desk: Path) -> Callable[..., Any]:
    """Of the export, new against old rules; more options, and others in their place."""

    def run(*more: object, **changes: object) -> Any:
        options = {
            "rules": desk / "new",
            "against": desk / "old",
            "events": desk / "export.csv",
            "mapping": desk / "map.yaml",
            "jobs": 1,
        } | changes
        words = [part for name, value in options.items() if value is not None for part in (f"--{name}", value)]
        return answerby("backtest", *words, *more)

    return run


def report_of(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def field(report: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [f for stage in report["stages"] for f in stage["fields"] if f["name"] == name]
    return found


def test_the_report_holds_the_figures_counted_by_hand(backtest, desk: Path, tmp_path: Path) -> None:
    result = backtest("--json", tmp_path / "report.json")

    assert result.exit_code == 0, result.stderr
    report = report_of(tmp_path / "report.json")
    assert (report["requests"], report["compared"], report["events"]) == (8, 8, 12)
    assert (report["differing"], report["breach_new"], report["breach_gone"]) == (2, 1, 0)
    assert report["horizon"] == "2026-03-02T10:00:00Z"
    priority = field(report, "priority")
    assert (priority["raised"], priority["lowered"], priority["changed"]) == (2, 0, 2)
    assert priority["values"] == ["P1", "P2", "P3"]
    assert priority["matrix"] == [
        {"old": "P1", "new": "P1", "requests": 3},
        {"old": "P2", "new": "P1", "requests": 2},
        {"old": "P3", "new": "P3", "requests": 3},
    ]
    (clock,) = report["clocks"]
    assert (clock["breached"], clock["new"], clock["gone"]) == ({"old": 1, "new": 2}, 1, 0)
    told = {(t["kind"], t["name"]): (t["total"]["old"], t["total"]["new"], t["more"]) for t in report["told"]}
    assert told == {("notices", "chief"): (1, 2, 1), ("notices", "clerk"): (2, 3, 1)}
    for words in ("priority raised", "P2", "request A", "坐席 Clerk"):
        assert words in result.stdout


def test_two_runs_and_any_number_of_processes_give_the_same_bytes(backtest, tmp_path: Path) -> None:
    made = []
    for number, jobs in enumerate((1, 1, 2, 3)):
        paths = tmp_path / f"{number}.json", tmp_path / f"{number}.html"
        result = backtest("--json", paths[0], "--html", paths[1], jobs=jobs)
        assert result.exit_code == 0, result.stderr
        made.append((result.stdout, *(path.read_bytes() for path in paths)))

    assert len(set(made)) == 1


def test_processes_that_begin_while_a_large_file_is_read_come_to_the_same(
    backtest, tmp_path: Path, monkeypatch
) -> None:
    told = []
    for number, size in enumerate((run.LARGE, 0)):
        monkeypatch.setattr(run, "LARGE", size)
        result = backtest("--json", tmp_path / f"{number}.json", jobs=2)
        assert result.exit_code == 0, result.stderr
        told.append((result.stdout, (tmp_path / f"{number}.json").read_bytes()))
    assert told[0] == told[1]


def test_a_file_that_cannot_be_read_ends_the_processes_that_have_begun(backtest, desk: Path, monkeypatch) -> None:
    monkeypatch.setattr(run, "LARGE", 0)
    (desk / "export.csv").write_text("no,such,columns\n1,2,3\n", encoding="utf-8")
    result = backtest(jobs=2)
    assert result.exit_code == 2
    assert not multiprocessing.active_children()


@pytest.mark.parametrize(
    ("gates", "status"),
    [
        (["priority.raised > 25%"], 0),
        (["priority.raised >= 25%"], 1),
        (["priority.raised > 90%", "clock.fix.breach.new >= 1"], 1),
        (["breach.gone > 0", "errors.new > 0", "category.changed > 0"], 0),
        (["priority.raised > 1%", "prioriti.raised > 1%"], 2),
        (["priority.raised = 1"], 2),
    ],
)
def test_gates_decide_the_exit_status(backtest, gates: list[str], status: int, tmp_path: Path) -> None:
    options = [part for gate in gates for part in ("--fail-if", gate)]

    result = backtest(*options, "--json", tmp_path / "report.json")

    assert result.exit_code == status, result.stderr
    if status < 2:
        assert [g["gate"] for g in report_of(tmp_path / "report.json")["gates"]] == gates
        assert ("trips" in result.stdout) is (status == 1)
    else:
        assert "--fail-if" in result.stderr


class Page(HTMLParser):
    """Checks that every element is closed in order, and collects what could load something."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.tags: set[str] = set()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        self.loads += [
            f"{tag} {name}" for name, _ in attrs if name in {"src", "href", "srcset", "data"} or name[:2] == "on"
        ]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_stands_alone_and_escapes_what_it_is_told(backtest, desk: Path, tmp_path: Path) -> None:
    evil = "<script>alert('值')</script>"
    lines = export(groups()).replace("\nA,", f'\n"{evil}",')
    (desk / "export.csv").write_text(lines, encoding="utf-8")
    priority = desk / "new" / "priority.yaml"
    priority.write_text(priority.read_text().replace("The more it stops, the sooner.", f'"{evil} & 起火"'), "utf-8")

    result = backtest("--html", tmp_path / "page.html", "--fail-if", "priority.raised > 0")

    assert result.exit_code == 1, result.stderr
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert page.open == []
    assert page.loads == []
    assert {"script", "link", "img", "iframe", "object"}.isdisjoint(page.tags)
    assert "url(" not in text
    assert "@import" not in text
    assert not re.search(r"https?://", text)
    assert "default-src 'none'" in text
    assert {"svg", "table", "caption", "details", "main"} <= page.tags
    shown = " ".join(page.texts)
    assert f"request {evil}" in shown
    assert f"{evil} & 起火" in shown
    assert "trips" in shown


def test_text_stays_out_unless_asked_for(backtest, desk: Path, tmp_path: Path) -> None:
    secret = "my heater caught fire 13800138000"
    lines = export(groups()).replace(
        "A,new,2026-03-02T08:00:00+00:00,mid,,", f"A,new,2026-03-02T08:00:00+00:00,mid,,{secret}"
    )
    (desk / "export.csv").write_text(lines, encoding="utf-8")
    for more in ([], ["--show-text"]):
        result = backtest("--json", tmp_path / "r.json", "--html", tmp_path / "r.html", *more)
        assert result.exit_code == 0, result.stderr
        for path in (tmp_path / "r.json", tmp_path / "r.html"):
            assert (secret in path.read_text(encoding="utf-8")) is bool(more), path


def test_json_alone_on_standard_output(backtest) -> None:
    result = backtest("--json", "-")

    assert json.loads(result.stdout)["requests"] == 8


def test_requests_are_taken_by_when_they_were_received(backtest, tmp_path: Path) -> None:
    """From 8:20: only C and F3, which is still the third of its customer."""
    for period, requests, p1 in (
        (["--from", "2026-03-02T08:20:00+00:00"], 2, 1),
        (["--to", "2026-03-02T16:20:00+08:00"], 6, 4),
        (["--from", "2026-03-02", "--to", "2026-03-03"], 8, 5),
    ):
        result = backtest(*period, "--json", tmp_path / "r.json")
        assert result.exit_code == 0, result.stderr
        report = report_of(tmp_path / "r.json")
        assert (report["requests"], field(report, "priority")["new"].get("P1")) == (requests, p1), period


def test_without_old_rules_the_export_itself_is_compared_with(backtest, desk: Path, tmp_path: Path) -> None:
    lines = export(groups()).splitlines()
    # What the old system said: P1 of all that is high, P2 of all else.
    known_facts = [
        lines[0] + ",prio",
        *(f"{line},{'P1' if ',high,' in line else 'P2' if ',new,' in line else ''}" for line in lines[1:]),
    ]
    (desk / "export.csv").write_text("\n".join(known_facts), encoding="utf-8")
    (desk / "map.yaml").write_text(MAPPING + "expect: {priority: prio}\n", encoding="utf-8")

    result = backtest("--json", tmp_path / "r.json", "--fail-if", "priority.lowered > 2", against=None)

    assert result.exit_code == 1, result.stderr
    report = report_of(tmp_path / "r.json")
    assert (report["old"], report["old_revision"], report["compared"]) == ("recorded", "", 8)
    # A, D and F3 are P2 there and P1 here; C, F1 and F2 are P2 there and P3 here.
    assert (field(report, "priority")["raised"], field(report, "priority")["lowered"]) == (3, 3)


BAD_ROWS = "A,done,whenever,mid,,\n,new,2026-03-02T08:00:00+00:00,low,,\nZ,new,soon,low,,\n"
"""A second end of request A, a row that names no request, and the only row of request Z."""


@pytest.mark.parametrize(
    ("gate", "status"), [("refused > 0", 1), ("refused > 3", 0), ("refused >= 30%", 1), ("refused > 30%", 0)]
)
def test_rows_that_cannot_be_used_are_counted_as_requests_and_shown_first(
    backtest, desk: Path, tmp_path: Path, gate: str, status: int
) -> None:
    with (desk / "export.csv").open("a", encoding="utf-8") as file:
        file.write(BAD_ROWS)

    result = backtest("--json", tmp_path / "r.json", "--html", tmp_path / "r.html", "--fail-if", gate)

    assert result.exit_code == status, result.stderr
    report = report_of(tmp_path / "r.json")
    assert (report["requests_refused"], report["rows"]["refused"], report["requests"]) == (3, 3, 8)
    sentence = (
        "3 requests could not be used in full or at all; of the rest, 2 (25.0 %) of 8 requests would have been decided "
        "otherwise: 2 would have been more urgent; 1 would have been late that were not; for 1, people would have been "
        "told more, less or other than before."
    )
    assert report["summary"] == sentence
    assert result.stdout.startswith(f"{sentence}\n3 requests refused: 3 rows could not be used\n")
    page = (tmp_path / "r.html").read_text("utf-8")
    assert f'<h1>Backtest</h1><p class="summary">{sentence}</p>' in page
    assert page.index("Requests refused") < page.index("New rules")


def test_requests_refused_need_nothing_to_compare_with(backtest, desk: Path) -> None:
    with (desk / "export.csv").open("a", encoding="utf-8") as file:
        file.write(BAD_ROWS)

    assert backtest("--fail-if", "refused > 0", against=None).exit_code == 1


def test_a_file_of_which_no_row_can_be_used_says_so(backtest, desk: Path) -> None:
    head = (desk / "export.csv").read_text("utf-8").splitlines()[0]
    (desk / "export.csv").write_text(f"{head}\n{BAD_ROWS}", encoding="utf-8")

    result = backtest("--fail-if", "refused > 0")

    assert result.exit_code == 2
    assert "3 of its rows were refused, for the reasons above" in result.stderr


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"rules": "nowhere"}, "nowhere"),
        ({"against": "nowhere"}, "nowhere"),
        ({"events": "nowhere.csv"}, "nowhere.csv: No such file"),
        ({"mapping": "nowhere.yaml"}, "nowhere.yaml: No such file"),
        ({"mapping": None}, "is no recording of `answerby export`"),
        ({"horizon": "tomorrow"}, "--horizon tomorrow: write a duration"),
        ({"at": "never"}, "--at never is neither last nor first"),
        ({"engine": "fast"}, "--engine fast is none of"),
        ({"from": "2027-01-01"}, "holds no request of the time asked for"),
        ({"from": "2026-03-01T00:00:00"}, "names no offset"),
        ({"from": "2026-03-05", "to": "2026-03-01"}, "lies before"),
        ({"since": "30d", "from": "2026-03-05"}, "give one of them"),
        ({"against": "r-0123456789abcdef"}, "name its --target"),
        ({"html": "nowhere/page.html"}, "nowhere/page.html: No such file"),
        ({"against": None, "fail-if": "priority.raised > 1"}, "needs something to compare with"),
    ],
)
def test_what_cannot_be_done_is_told_with_status_2(backtest, changes: dict[str, Any], told: str) -> None:
    result = backtest(**changes)

    assert result.exit_code == 2
    assert told in result.stderr
    assert "Traceback" not in result.stderr


# On a server: the events happen now, so that they can be asked for by `--since`.


@pytest.fixture
def target(tmp_path: Path, desk: Path):
    """A server with the old rules of the desk."""
    from answerby.cli.serve.configuration import configured, options
    from answerby.cli.serve.own_server import own_server

    overlay = options(listen=free_address(), rules=desk / "old", data=tmp_path / "data")
    with own_server(None, overlay, configured(None, overlay)) as (_, running):
        yield running


def submit_desk(answerby: Callable[..., Any], tmp_path: Path, target: Server) -> None:
    """The eight requests as if they had happened within the last hours, up to now."""
    shift = datetime.now(UTC) - datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    happened = [(h.event.time, h.event) for group in groups() for story in group for h in story.events]
    events = sorted(happened, key=lambda pair: pair[0])
    lines = [
        {
            "id": event.id,
            "source": event.source,
            "type": event.type,
            "time": (moment + shift).isoformat(),
            "request_id": event.request_id,
            "actor": event.actor.value,
            "facts": event.data,
        }
        for moment, event in events
    ]
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    result = answerby("submit", file, "--target", target.address, "--historical")
    assert result.exit_code == 0, result.stderr


def test_recorded_requests_from_a_server_and_from_a_file_give_the_same_report(
    answerby, backtest, desk: Path, tmp_path: Path, target: Server
) -> None:
    submit_desk(answerby, tmp_path, target)
    recording = tmp_path / "recording.jsonl.xz"

    written = answerby("export", "--since", "1d", "--target", target.address, "--out", recording)

    assert written.exit_code == 0, written.stderr
    assert "8 requests" in written.stderr
    assert stat.S_IMODE(recording.stat().st_mode) == 0o600
    lines = lzma.decompress(recording.read_bytes()).splitlines()
    assert len(lines) == 9
    assert json.loads(lines[0])["tenant"] == "default"
    reports = {}
    for name, options in {
        "server": {"events": None, "mapping": None, "since": "1d", "target": target.address},
        "file": {"events": recording, "mapping": None},
        "active": {"events": recording, "mapping": None, "against": "active", "target": target.address},
    }.items():
        result = backtest("--json", tmp_path / f"{name}.json", **options)
        assert result.exit_code == 0, result.stderr
        reports[name] = report_of(tmp_path / f"{name}.json")
    for name, report in reports.items():
        assert (report["requests"], field(report, "priority")["raised"], report["breach_new"]) == (8, 2, 1), name
    assert reports["active"]["old"].startswith("active: r-")
    assert reports["active"]["stages"] == reports["file"]["stages"]


def test_what_was_really_decided_is_compared_with(
    answerby, backtest, desk: Path, tmp_path: Path, target: Server
) -> None:
    """The server decided by the old rules; the default is what it decided, whatever rules are at hand now."""
    submit_desk(answerby, tmp_path, target)
    recording = tmp_path / "recording.jsonl"
    answerby("export", "--since", "1d", "--target", target.address, "--out", recording)

    result = backtest("--json", tmp_path / "r.json", events=recording, mapping=None, against=None)

    assert result.exit_code == 0, result.stderr
    report = report_of(tmp_path / "r.json")
    assert (report["old"], report["compared"]) == ("recorded", 8)
    assert field(report, "priority")["raised"] == 2
    examples = [e for e in report["examples"] if e["request_id"] == "A"]
    (stage,) = [s for s in examples[0]["stages"] if s["stage"] == "priority"]
    assert [rule["id"] for rule in stage["old"]["won"]] == ["matrix#2"]
    assert examples[0]["number"].endswith("DSK-001")


def test_a_recording_without_decisions_needs_old_rules(answerby, backtest, tmp_path: Path, target: Server) -> None:
    submit_desk(answerby, tmp_path, target)
    recording = tmp_path / "recording.jsonl"
    written = answerby("export", "--since", "1d", "--without-decisions", "--target", target.address, "--out", recording)
    assert written.exit_code == 0, written.stderr

    refused = backtest(events=recording, mapping=None, against=None)
    taken = backtest("--json", tmp_path / "r.json", events=recording, mapping=None)

    assert refused.exit_code == 2
    assert "without-decisions" in refused.stderr
    assert taken.exit_code == 0, taken.stderr
    assert report_of(tmp_path / "r.json")["breach_new"] == 1


def test_a_damaged_recording_names_its_line(answerby, backtest, tmp_path: Path) -> None:
    recording = tmp_path / "recording.jsonl"
    header = {"recording": 1, "tenant": "default", "since": "2026-03-01T00:00:00Z", "until": "2026-03-05T00:00:00Z"}
    for content, told in (
        ([header, {"request_id": "A"}], "recording.jsonl:2 not a recorded request"),
        ([header | {"recording": 9}], "version 9"),
        ([header], "holds no request"),
    ):
        recording.write_text("\n".join(map(json.dumps, content)), encoding="utf-8")
        result = backtest(events=recording, mapping=None)
        assert result.exit_code == 2
        assert told in result.stderr


def test_an_export_that_fails_leaves_no_file(answerby, tmp_path: Path) -> None:
    result = answerby(
        "export", "--since", "1d", "--target", "127.0.0.1:1", "--patience", 0, "--out", tmp_path / "r.jsonl"
    )

    assert result.exit_code == 1
    assert "no server answers there" in result.stderr
    assert list(tmp_path.iterdir()) == []
