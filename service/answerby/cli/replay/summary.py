"""The summary of a replay, as text and as data."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from answerby.cli.replay.output import Output
from answerby.cli.replay.planner import Counts
from answerby.cli.replay.tally import COUNTED, Comparison, Share, Tally, shown

MOST_RULES_SHOWN = 30


@dataclass(frozen=True)
class Summary:
    """The figures of one replay. `seconds` is the wall time. `unused` holds the rules that never decided."""

    counts: Counts
    tally: Tally
    output: Output
    seconds: float
    unused: tuple[str, ...] | None = None

    @property
    def rate(self) -> float:
        """Decisions per second."""
        return self.tally.decisions / self.seconds if self.seconds else 0.0

    def as_data(self) -> dict[str, object]:
        tally = self.tally
        data: dict[str, object] = {
            "rows": {
                "read": self.counts.read,
                "skipped": self.counts.skipped,
                "damaged": self.counts.damaged,
                "without_event": self.counts.without_event,
                "refused": self.output.refusals.rows,
            },
            "requests_refused": self.output.refusals.requests,
            "decisions": tally.decisions,
            "duplicates": tally.duplicates,
            "requests": len(tally.last),
            "revisions": sorted(tally.revisions),
            "seconds": round(self.seconds, 3),
            "decisions_per_second": round(self.rate, 1),
            "per_request": {name: sorted_counts(tally.per_request(name)) for name in (*COUNTED, "status")},
            "per_decision": {name: sorted_counts(tally.per_event[name]) for name in COUNTED},
            "clocks": {name: sorted_counts(counts) for name, counts in tally.clocks().items()},
            "breaches": tally.breaches(),
            "stages": {name: sorted_counts(counts) for name, counts in tally.stages.items()},
            "flags": sorted_counts(tally.flags),
            "expected": {name: comparison_data(c) for name, c in sorted(tally.comparisons.items())},
            "cells": {name: self._cells(name) for name in tally.tables},
            "first_refused": [{"line": line, "reason": reason} for line, reason in self.output.refusals.first],
        }
        if self.unused is not None:
            data["rules_never_used"] = list(self.unused)
        return data

    def _cells(self, name: str) -> dict[str, object]:
        cells = [
            {"cell": list(key[:-1]), "decided": key[-1], "count": n}
            for key, n in sorted(self.tally.tables[name].items())
        ]
        return {"seen": cells, "unseen": [list(key) for key in self.tally.unseen(name)]}

    def print(self, console: Console) -> None:
        counts, tally, refusals = self.counts, self.tally, self.output.refusals
        if refusals.rows:
            console.print(
                f"[bold]{refusals.requests} requests refused[/]: {refusals.rows} of their rows could not be used"
            )
        console.print(
            f"{counts.read} rows: {counts.skipped} skipped, {counts.damaged} damaged, "
            f"{counts.without_event} without an event, [bold]{refusals.rows} refused[/]"
        )
        known = f", {tally.duplicates} of them known before" if tally.duplicates else ""
        console.print(
            f"[bold]{tally.decisions} decisions[/] on {len(tally.last)} requests "
            f"in {self.seconds:.1f} s, {self.rate:,.0f}/s{known}"
        )
        for name in (*COUNTED, "status"):
            self._print_counts(console, name)
        self._print_clocks(console)
        self._print_stages(console)
        for name in tally.tables:
            self._print_cells(console, name)
        for name, comparison in sorted(tally.comparisons.items()):
            print_comparison(console, name, comparison)
        self._print_unused(console)
        self._print_refused(console)

    def _print_counts(self, console: Console, name: str) -> None:
        requests = self.tally.per_request(name)
        if not set(requests) - {"-"}:
            return
        decisions = self.tally.per_event.get(name)
        table = Table(name, "requests", *(["decisions"] if decisions else []), box=None)
        for value in sorted(set(requests) | set(decisions or {})):
            cells = [str(requests[value])] + ([str(decisions[value])] if decisions else [])
            table.add_row(Text(value), *cells)
        console.print(table)

    def _print_clocks(self, console: Console) -> None:
        clocks = self.tally.clocks()
        if not clocks:
            return
        columns = ("met", "late", "overdue", "running", "paused", "cancelled")
        table = Table("clock", *columns, box=None)
        for name, counts in clocks.items():
            table.add_row(name, *(str(counts[column]) for column in columns))
        console.print(table)
        console.print(f"breaches (late or overdue at the end of the file): {self.tally.breaches()}")

    def _print_stages(self, console: Console) -> None:
        for stage, counts in self.tally.stages.items():
            odd = {outcome: n for outcome, n in sorted_counts(counts).items() if outcome != "matched"}
            if odd:
                console.print(f"{stage}: " + ", ".join(f"{n} {outcome}" for outcome, n in odd.items()))
        if self.tally.flags:
            console.print("flags: " + ", ".join(f"{n} {code}" for code, n in sorted_counts(self.tally.flags).items()))

    def _print_cells(self, console: Console, name: str) -> None:
        table = Table(f"cells of {name}", "decided", "decisions", box=None)
        for key, count in sorted(self.tally.tables[name].items()):
            table.add_row(Text(", ".join(key[:-1])), Text(key[-1]), str(count))
        for key in self.tally.unseen(name):
            table.add_row(Text(", ".join(key)), "never occurs", "0")
        console.print(table)

    def _print_unused(self, console: Console) -> None:
        if not self.unused:
            return
        more = len(self.unused) - MOST_RULES_SHOWN
        named = ", ".join(self.unused[:MOST_RULES_SHOWN]) + (f" and {more} more" if more > 0 else "")
        console.print(Text(f"rules that decided nothing ({len(self.unused)}): {named}"))

    def _print_refused(self, console: Console) -> None:
        refusals = self.output.refusals
        for line, reason in refusals.first:
            console.print(Text(f"line {line}: {reason}", style="yellow"))
        if (more := refusals.rows - len(refusals.first)) > 0:
            console.print(f"and {more} more refused")


def sorted_counts(counts: dict[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))


def comparison_data(comparison: Comparison) -> dict[str, object]:
    return {
        "equal": comparison.equal,
        "different": comparison.different,
        "first": [difference._asdict() for difference in comparison.first],
        "groups": {
            group: {value: share._asdict() for value, share in sorted(shares.items())}
            for group, shares in comparison.groups.items()
        },
    }


def print_comparison(console: Console, name: str, comparison: Comparison) -> None:
    share = Share(comparison.equal, comparison.different)
    console.print(f"{name} as the export says: {comparison.equal} of {sum(share)} ({percent(share)})")
    for group, shares in comparison.groups.items():
        table = Table(group, "as the export says", "of", "", box=None)
        for value, part in sorted(shares.items()):
            table.add_row(Text(value), str(part.equal), str(sum(part)), percent(part))
        console.print(table)
    for difference in comparison.first:
        console.print(
            Text(
                f"  line {difference.line}: {shown(difference.expected)} in the export, "
                f"{shown(difference.decided)} decided"
            ),
            soft_wrap=True,
        )
    if (more := comparison.different - len(comparison.first)) > 0:
        console.print(f"  and {more} more")


def percent(share: Share) -> str:
    """Rounded down, so that 100 means all."""
    return f"{share.equal * 10_000 // sum(share) / 100:.2f} %"
