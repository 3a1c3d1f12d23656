"""Boxes of facts in which no request lies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from answerby.rules.model.rulebook import Lexicon
from answerby.rules.model.vocabulary import FieldType, Vocabulary
from answerby.workbench.proofs.space.boxes import Box, make_box
from answerby.workbench.proofs.space.cells import MISSING, WRONG
from answerby.workbench.proofs.space.dimensions import NO, YES, Aspect, Dimension, DimensionTable
from answerby.workbench.proofs.space.lexicon_terms import implications, mentioned


def impossible_boxes(table: DimensionTable, vocabulary: Vocabulary, lexicons: Mapping[str, Lexicon]) -> Iterable[Box]:
    """All boxes that are known to be empty. Others may be empty too."""
    implied = implications(lexicons, {d.key for d in table.dimensions if d.aspect is Aspect.MENTIONS})
    for dimension in table.dimensions:
        yield from _without_value(table, dimension)
        if dimension.aspect is Aspect.MENTIONS:
            yield from _known_texts(table, dimension, lexicons)
            for other in implied.get(dimension.key, ()):
                number = table.number(dimension.field, Aspect.MENTIONS, other)
                if number is not None:
                    yield make_box({dimension.number: YES, number: NO})
    for name, field in vocabulary.fields.items():
        if field.type is FieldType.SET and field.default is not None and not field.derived_by and table.of_field(name):
            members = (d.number for d in table.of_field(name) if d.aspect is Aspect.HAS)
            yield make_box({**dict.fromkeys(members, NO), **table.except_cells(field, WRONG)})
        for part in field.parts:
            yield from _wrong_part(table, vocabulary, name, part)


def _without_value(table: DimensionTable, dimension: Dimension) -> Iterable[Box]:
    """A missing or wrong value mentions nothing, lies in no calendar and matches no pattern."""
    value = table.number(dimension.field)
    if dimension.aspect in {Aspect.MENTIONS, Aspect.INSIDE, Aspect.MATCHES} and value is not None:
        for i, cell in enumerate(table.dimensions[value].cells):
            if cell.value in {MISSING, WRONG}:
                yield make_box({dimension.number: dimension.full & ~NO, value: 1 << i})


def _known_texts(table: DimensionTable, dimension: Dimension, lexicons: Mapping[str, Lexicon]) -> Iterable[Box]:
    """A cell with a single text mentions exactly the lexicons of that text."""
    words, value = table.words.get(dimension.field), table.number(dimension.field)
    if words is None or value is None:
        return
    lexicon = lexicons[dimension.key]
    concerned = {dimension.key: lexicon} | {name: lexicons[name] for name in lexicon.exceptions if name in lexicons}
    for cell, folded in words.folded.items():
        truth = dimension.key in mentioned(concerned, folded)
        yield make_box({dimension.number: NO if truth else YES, value: 1 << cell})


def _wrong_part(table: DimensionTable, vocabulary: Vocabulary, whole: str, part: str) -> Iterable[Box]:
    """A text with a wrong part is wrong."""
    numbers = table.number(whole), table.number(part)
    if part in table.wrong and None not in numbers:
        right, wrong = (table.except_cells(vocabulary[name], WRONG) for name in (whole, part))
        dimension, mask = next(iter(wrong.items()))
        yield make_box({**right, dimension: table.dimensions[dimension].full & ~mask})
