"""Rows of an export file, read one after another, never the whole file at once."""

from __future__ import annotations

import csv
import gzip
import io
import lzma
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple, TextIO, cast

import orjson

from answerby.cli.fail import CommandFailed

REPLACEMENT = "\ufffd"
LONE_SURROGATE = re.compile("[\ud800-\udfff]")
CELL_CHARACTERS = 16 * 1024 * 1024
"""Maximum length of a cell. A longer one is an unclosed quotation mark."""

Cell = object
"""The value of a cell: text from CSV, any JSON value from JSON lines."""


class Row(NamedTuple):
    """One row. `line` counts from 1. `refused` is the reason why it is no row. `damaged`: some bytes were no text."""

    line: int
    cells: Mapping[str, Cell]
    refused: str = ""
    damaged: bool = False


def open_text(path: Path, encoding: str) -> TextIO:
    """The file as text, uncompressed by its extension. Bytes that are no text become U+FFFD. Raises OSError."""
    if encoding.lower().replace("_", "-") in {"utf-8", "utf8"}:
        encoding = "utf-8-sig"  # The codec drops a byte order mark.
    match path.suffix:
        case ".xz":
            raw = cast("BinaryIO", lzma.open(path))  # noqa: SIM115  # the caller closes it
        case ".gz":
            raw = cast("BinaryIO", gzip.open(path))  # noqa: SIM115  # the caller closes it
        case _:
            raw = path.open("rb")
    return io.TextIOWrapper(raw, encoding=encoding, errors="replace", newline="")


def format_of(path: Path) -> str:
    """`csv` or `jsonl`, by the file's name. Raises CommandFailed for any other name."""
    suffixes = [s for s in path.suffixes if s not in {".xz", ".gz"}]
    match suffixes[-1:]:
        case [".csv"] | [".tsv"]:
            return "csv"
        case [".jsonl"] | [".ndjson"]:
            return "jsonl"
        case _:
            raise CommandFailed(f"{path.name}: neither .csv nor .jsonl; name the format in the mapping")


def read_rows(path: Path, file_format: str, *, encoding: str = "utf-8", delimiter: str = ",") -> Iterator[Row]:
    """All rows. Raises OSError if the file cannot be read, CommandFailed if it is truncated."""
    with open_text(path, encoding) as text:
        try:
            yield from read_csv(text, delimiter) if file_format == "csv" else read_jsonl(text)
        except (EOFError, lzma.LZMAError, gzip.BadGzipFile) as error:
            raise CommandFailed(f"{path}: the packed file is damaged: {error}") from error


def read_csv(text: TextIO, delimiter: str) -> Iterator[Row]:
    csv.field_size_limit(CELL_CHARACTERS)
    reader = csv.reader(text, delimiter=delimiter)
    header = [name.strip() for name in next(reader, [])]
    if len(set(header)) != len(header):
        raise CommandFailed("the header names a column twice")
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(line, {}, f"not readable as CSV: {error}")
            continue
        if not cells:
            continue
        damaged = any(REPLACEMENT in cell for cell in cells)
        row = dict(zip(header, cells, strict=False))
        refused = "" if len(cells) == len(header) else f"{len(cells)} cells, but the header names {len(header)} columns"
        yield Row(line, row, refused, damaged)


def read_jsonl(text: TextIO) -> Iterator[Row]:
    for line, content in enumerate(text, start=1):
        if not content.strip():
            continue
        damaged = REPLACEMENT in content
        try:
            cells = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            cells = repair(content)
            if cells is None:
                yield Row(line, {}, f"not valid JSON: {error}", damaged)
                continue
            damaged = True
        if isinstance(cells, dict):
            yield Row(line, cells, "", damaged)
        else:
            yield Row(line, {}, "not a JSON object", damaged)


def repair(content: str) -> object:
    """The line with lone surrogates replaced, since some writers emit them. None for any other mistake."""
    import json  # noqa: PLC0415  # slower and more lenient than orjson: only for lines that orjson refuses

    try:
        text = json.dumps(json.loads(content), ensure_ascii=False)
        return orjson.loads(LONE_SURROGATE.sub(REPLACEMENT, text))
    except ValueError:
        return None
