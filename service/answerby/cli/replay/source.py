"""An export with its mapping: the planned events of a file."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from answerby.cli.replay.mapping import Mapping
from answerby.cli.replay.planner import Counts, Planned, Planner, Refuse
from answerby.cli.replay.readers import Row, format_of, read_rows


class Source:
    """Reads a file once, at most `limit` rows (0: all). `refuse` gets the rows that give no event."""

    def __init__(self, file: Path, mapping: Mapping, tenant: str, refuse: Refuse, limit: int = 0) -> None:
        self._file = file
        self._mapping = mapping
        self._limit = limit
        self._planner = Planner(mapping, tenant, refuse)

    @property
    def counts(self) -> Counts:
        """The numbers of rows read so far, by result."""
        return self._planner.counts

    def plan(self) -> Iterator[Planned]:
        """Events in the order that the mapping asks for.

        Raises OSError, and CommandFailed for a file that is damaged or lacks a column of the mapping.
        """
        return self._planner.plan(self._rows())

    def _rows(self) -> Iterator[Row]:
        mapping = self._mapping
        kind = mapping.format or format_of(self._file)
        rows = read_rows(self._file, kind, encoding=mapping.encoding, delimiter=mapping.delimiter)
        checked = kind != "csv"  # A null may be left out of a JSON line.
        for row in islice(rows, self._limit or None):
            if not checked and not row.refused:
                self._planner.check_columns(row.cells)
                checked = True
            yield row
