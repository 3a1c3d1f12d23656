"""The files of a folder at one moment."""

from __future__ import annotations

import os

import pytest

from answerby.server.live.rule_files import FILE_BYTES, read_rule_files, stamp_of


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "samples").mkdir()
    for name in (
        "a.yaml",
        "sub/b.yml",
        "sub/c.csv",
        "sub/days off.ics",
        "samples/export.csv",
        "a_test.yaml",
        "README.md",
        ".hidden/d.yaml",
        ".e.yaml.swp",
    ):
        (tmp_path / name).write_text(name, "utf-8")
    return tmp_path


def test_rules_tables_and_tests_are_read_and_nothing_else(folder):
    files = read_rule_files(folder)
    assert files.trouble == ""
    assert set(files.content) == {"a.yaml", "sub/b.yml", "sub/c.csv", "sub/days off.ics", "a_test.yaml"}
    assert files.content["sub/c.csv"] == b"sub/c.csv"


def test_the_digest_is_of_names_and_contents(folder):
    before = read_rule_files(folder).digest
    stamp = stamp_of(folder)
    (folder / "a.yaml").write_text("a.yaml", "utf-8")
    os.utime(folder / "a.yaml", (1, 1))
    assert stamp_of(folder) != stamp
    assert read_rule_files(folder).digest == before
    (folder / "a.yaml").rename(folder / "b.yaml")
    assert read_rule_files(folder).digest != before


def test_a_file_renamed_over_another_is_a_change(folder):
    stamp = stamp_of(folder)
    (folder / "new").write_text("a.yaml", "utf-8")
    about = (folder / "a.yaml").stat()
    os.utime(folder / "new", ns=(about.st_atime_ns, about.st_mtime_ns))
    (folder / "new").replace(folder / "a.yaml")
    assert stamp_of(folder) != stamp


def test_either_case_of_a_suffix_and_links_to_folders(tmp_path, folder):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "more.yaml").write_text("a", "utf-8")
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "UPPER.YAML").write_text("b", "utf-8")
    before = read_rule_files(folder)
    assert before.trouble == ""
    assert {"linked/more.yaml", "UPPER.YAML"} <= set(before.content)
    stamp = stamp_of(folder)
    (tmp_path / "elsewhere" / "more.yaml").write_text("changed", "utf-8")
    assert stamp_of(folder) != stamp
    (folder / "linked" / "back").symlink_to(folder)
    assert "is a link to a folder above it" in read_rule_files(folder).trouble


@pytest.mark.parametrize("what", ["missing", "a pipe", "too large", "a dangling link"])
def test_what_cannot_be_read_is_told(folder, what):
    if what == "missing":
        folder = folder / "missing"
    elif what == "a pipe":
        os.mkfifo(folder / "p.yaml")
    elif what == "too large":
        (folder / "p.yaml").write_bytes(b" " * (FILE_BYTES + 1))
    else:
        (folder / "p.yaml").symlink_to("nowhere")
    files = read_rule_files(folder)
    assert files.trouble
    assert files.content == {}


def test_a_large_export_among_the_samples_is_nothing_to_the_server(folder):
    (folder / "samples" / "export.csv").write_bytes(b" " * (FILE_BYTES + 1))
    assert read_rule_files(folder).trouble == ""


def test_a_list_of_holidays_outside_of_the_folder_is_refused(folder, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "feed.ics"
    outside.write_text("BEGIN:VCALENDAR", "utf-8")
    (folder / "feed.ics").symlink_to(outside)
    assert "feed.ics: is a link out of the rule folder" in read_rule_files(folder).trouble
