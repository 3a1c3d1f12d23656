"""Reading exports: packed or not, damaged or not, one row after another."""

from __future__ import annotations

import gzip
import lzma
from pathlib import Path

import pytest

from answerby.cli.fail import CommandFailed
from answerby.cli.replay.readers import format_of, read_rows


def rows_of(path: Path, kind: str, **options: str) -> list[tuple[int, dict[str, object], str, bool]]:
    return [(r.line, dict(r.cells), r.refused, r.damaged) for r in read_rows(path, kind, **options)]


def test_csv_rows_carry_the_line_where_they_begin(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b'\xef\xbb\xbfid,text\r\n1,"two\r\nlines"\r\n2,plain\r\n\r\n3,last\r\n')

    assert rows_of(path, "csv") == [
        (2, {"id": "1", "text": "two\r\nlines"}, "", False),
        (4, {"id": "2", "text": "plain"}, "", False),
        (6, {"id": "3", "text": "last"}, "", False),
    ]


@pytest.mark.parametrize("end", [".xz", ".gz", ""])
def test_packed_files_read_like_plain_ones(tmp_path: Path, end: str) -> None:
    path = tmp_path / f"a.csv{end}"
    pack = {".xz": lzma.compress, ".gz": gzip.compress, "": bytes}[end]
    path.write_bytes(pack("编号,内容\n1,您好\n".encode()))

    assert format_of(path) == "csv"
    assert rows_of(path, "csv") == [(2, {"编号": "1", "内容": "您好"}, "", False)]


def test_a_row_with_too_few_or_too_many_cells_is_refused_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1\n1,2\n1,2,3\n")

    assert [(line, refused) for line, _, refused, _ in rows_of(path, "csv")] == [
        (2, "1 cells, but the header names 2 columns"),
        (3, ""),
        (4, "3 cells, but the header names 2 columns"),
    ]


def test_bytes_that_are_no_text_damage_only_their_row(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n1,ok\n2,caf\xe9\n3,ok\n")

    assert [(cells["b"], damaged) for _, cells, _, damaged in rows_of(path, "csv")] == [
        ("ok", False),
        ("caf\ufffd", True),
        ("ok", False),
    ]


def test_another_encoding_is_read_as_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("a;b\n1;投诉\n".encode("gb18030"))

    assert rows_of(path, "csv", encoding="gb18030", delimiter=";") == [(2, {"a": "1", "b": "投诉"}, "", False)]


def test_json_lines_that_are_no_objects_are_refused_and_the_rest_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": 1}\n\nnonsense\n[1, 2]\n{"id": 2}\n')

    rows = rows_of(path, "jsonl")

    assert [(line, cells) for line, cells, refused, _ in rows if not refused] == [(1, {"id": 1}), (5, {"id": 2})]
    assert [line for line, _, refused, _ in rows if refused] == [3, 4]


def test_a_lone_surrogate_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a\\ud83dz"}\n')

    assert rows_of(path, "jsonl") == [(1, {"text": "a\ufffdz"}, "", True)]


def test_a_header_that_names_a_column_twice_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,a\n1,2\n")

    with pytest.raises(CommandFailed, match="twice"):
        rows_of(path, "csv")


def test_a_truncated_packed_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.xz"
    path.write_bytes(lzma.compress(b"a,b\n" + b"1,2\n" * 1000)[:-40])

    with pytest.raises(CommandFailed, match=r"a\.csv\.xz.*damaged"):
        rows_of(path, "csv")


def test_a_name_that_tells_no_format_is_an_error() -> None:
    with pytest.raises(CommandFailed, match="neither"):
        format_of(Path("export.dat"))
