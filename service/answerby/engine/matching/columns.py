"""Reads a record as the integers that the C engine gets: one reader for all columns of a stage."""

from __future__ import annotations

from answerby.domain.condition import Atom
from answerby.engine.facts.conditions import compile_condition
from answerby.engine.facts.plan import FactPlan
from answerby.engine.facts.record import UNSET, Evaluator, Record
from answerby.engine.matching.conjunctions import (
    ABSENT,
    ERROR,
    MISSING,
    PRESENT,
    REFUSED,
    Column,
    ColumnKind,
    symbols,
)


class ColumnReader:
    """Reads the columns of a record in their order, which must be by kind."""

    def __init__(self, columns: tuple[Column, ...], plan: FactPlan) -> None:
        fields = plan.rulebook.vocabulary.fields
        names: dict[ColumnKind, list[str]] = {kind: [] for kind in ColumnKind}
        numbers: dict[ColumnKind, list[int]] = {kind: [] for kind in ColumnKind}
        self._conditions: list[Evaluator] = []
        for column in columns:
            if isinstance(column.subject, str):
                names[column.kind].append(column.subject)
            elif isinstance(column.subject, Atom):
                numbers[column.kind].append(plan.numbers[column.subject])
            else:
                self._conditions.append(compile_condition(column.subject, plan))
        self._symbols = [(name, symbols(fields[name])) for name in names[ColumnKind.SYMBOL]]
        self._presences = names[ColumnKind.PRESENCE]
        self._numbers = names[ColumnKind.NUMBER]
        self._atoms = [(number, True) for number in numbers[ColumnKind.TRUE]]
        self._atoms += [(number, False) for number in numbers[ColumnKind.FALSE]]

    def read(self, record: Record) -> list[int]:
        values, failures, truths = record.values, record.failures, record.truths
        row: list[int] = []
        for name, codes in self._symbols:
            value = values.get(name)
            if value is None:
                row.append(ERROR if name in failures else MISSING)
            else:
                row.append(codes[value])  # type: ignore[index]
        for name in self._presences:
            if name in values:
                row.append(PRESENT)
            else:
                row.append(REFUSED if name in failures else ABSENT)
        for name in self._numbers:
            row.append(values.get(name, 0))  # type: ignore[arg-type] # noqa: PERF401
        for number, wanted in self._atoms:
            truth = truths[number]
            if truth is UNSET:
                truth = record.truth_of(number)
            row.append(1 if truth is wanted else 0)
        for condition in self._conditions:
            row.append(1 if condition(record) is True else 0)  # noqa: PERF401
        return row
