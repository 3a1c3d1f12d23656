"""What stands in a folder: what is read, what is not, and bytes that are no rule file."""

from __future__ import annotations

import codecs
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerby.rules.loader import load_rulebook
from answerby.rules.text import rule_folder as folder_module
from tests.kit.examples import examples
from tests.kit.mangling import mangled_texts
from tests.kit.rulebooks import write


@pytest.fixture
def folder(tmp_path, base) -> Path:
    for name, text in base.items():
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def found(result) -> list[str]:
    return [f"{d.file}:{d.line}:{d.column} {d.code}" for d in result.diagnostics]


def test_a_folder_becomes_a_rulebook_with_its_files(folder, base):
    result = load_rulebook(folder)

    assert result.diagnostics == ()
    assert [file.path for file in result.rulebook.files] == sorted(base)


def test_a_missing_folder(tmp_path):
    result = load_rulebook(tmp_path / "nowhere")

    assert result.rulebook is None
    assert [d.code for d in result.diagnostics] == ["folder-missing"]


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "rules.yaml").write_text("stage: priority")

    assert [d.code for d in load_rulebook(tmp_path / "rules.yaml").diagnostics] == ["folder-missing"]


def test_an_empty_folder(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing to see")

    result = load_rulebook(tmp_path)

    assert result.rulebook is None
    assert [d.code for d in result.diagnostics] == ["folder-empty"]


def test_what_is_no_rule_file_is_left_alone(folder):
    for name in ("rules_test.yaml", "README.yaml", ".hidden.yaml", "notes.md", "a.yaml~", "#a.yaml#", "a.yaml.swp"):
        (folder / name).write_text("[ broken")
    for name in ("samples", "mappings", "examples", ".git"):
        (folder / name).mkdir()
        (folder / name / "a.yaml").write_text("[ broken")

    result = load_rulebook(folder)

    assert result.diagnostics == ()


def test_files_in_subfolders_and_both_suffixes_are_read(folder):
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "more.yml").write_text("lexicons: {more: [alpha]}")

    result = load_rulebook(folder)

    assert "more" in result.rulebook.lexicons


@pytest.mark.parametrize("name", ["MORE.YAML", "more.Yml", "deep/More.YAML"])
def test_the_letters_of_a_suffix_may_be_of_either_case(folder, name):
    (folder / "deep").mkdir()
    (folder / name).write_text("lexicons: {more: [alpha]}")

    result = load_rulebook(folder)

    assert result.diagnostics == ()
    assert "more" in result.rulebook.lexicons


def test_a_link_to_a_folder_is_followed(folder, tmp_path_factory):
    """As a volume of files is mounted, whose folders are links to a folder with its version in the name."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "more.yaml").write_text("lexicons: {more: [alpha]}")
    (folder / "..2026_11_30").mkdir()
    (folder / "..2026_11_30" / "inner.yaml").write_text("lexicons: {inner: [beta]}")
    (folder / "within").symlink_to("..2026_11_30")
    (folder / "without").symlink_to(elsewhere)

    result = load_rulebook(folder)

    assert result.diagnostics == ()
    assert {"more", "inner"} <= set(result.rulebook.lexicons)
    assert {file.path for file in result.rulebook.files} >= {"within/inner.yaml", "without/more.yaml"}


def test_links_that_never_end_are_told_and_not_followed(folder):
    for name in ("a", "b"):
        (folder / name).mkdir()
    (folder / "a" / "up").symlink_to(folder)
    (folder / "a" / "itself").symlink_to(folder / "a")
    (folder / "b" / "over").symlink_to(folder / "a")

    assert sorted(found(load_rulebook(folder))) == [
        "a/itself:1:1 file-unreadable",
        "a/up:1:1 file-unreadable",
        "b/over/itself:1:1 file-unreadable",
        "b/over/up:1:1 file-unreadable",
    ]


def test_a_broken_link_is_unreadable(folder):
    (folder / "gone.yaml").symlink_to(folder / "nowhere.yaml")

    assert found(load_rulebook(folder)) == ["gone.yaml:1:1 file-unreadable"]


def test_a_pipe_is_not_opened(folder):
    os.mkfifo(folder / "pipe.yaml")

    assert found(load_rulebook(folder)) == ["pipe.yaml:1:1 file-unreadable"]


def test_a_file_over_the_size_limit(folder):
    (folder / "big.yaml").write_bytes(b"# " + b"x" * (1 << 20))

    assert found(load_rulebook(folder)) == ["big.yaml:1:1 file-too-large"]


def test_more_files_than_the_limit(folder, monkeypatch):
    monkeypatch.setattr(folder_module, "MAX_FILES", 3)

    assert [d.code for d in load_rulebook(folder).diagnostics] == ["folder-too-large"]


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"lexicons:\n  a: [x\0]\n", "bytes.yaml:2:8"),
        ("lexicons:\n  火: [起".encode() + b"\xff\xfe", "bytes.yaml:2:8"),
        ("lexicons: {a: [起火]}".encode("gbk"), "bytes.yaml:1:16"),
        (codecs.BOM_UTF16_LE + "lexicons: {a: [x]}".encode("utf-16-le"), "bytes.yaml:1:1"),
        (b"lexicons:\n  a: [\x07]\n", "bytes.yaml:2:7"),
        ("lexicons:\n  a: [\ufffe]\n".encode(), "bytes.yaml:2:7"),
    ],
    ids=["nul", "cut off in a character", "gbk", "utf-16", "control character", "noncharacter"],
)
def test_bytes_that_are_no_text(folder, content, place):
    (folder / "bytes.yaml").write_bytes(content)

    assert found(load_rulebook(folder)) == [f"{place} file-encoding"]


def test_a_byte_order_mark_is_no_mistake(folder):
    (folder / "bom.yaml").write_bytes(codecs.BOM_UTF8 + "lexicons: {words: [起火 🔥]}".encode())

    result = load_rulebook(folder)

    assert result.diagnostics == ()
    assert result.rulebook.lexicons["words"].terms == ("起火 🔥",)


def test_a_name_that_is_not_utf8_is_shown_all_the_same(folder):
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.yaml")).write_text("[ broken")

    (diagnostic,) = load_rulebook(folder).diagnostics

    assert diagnostic.file.encode() == "\ufffd.yaml".encode()


def test_more_mistakes_than_anybody_reads(folder):
    rules = "\n".join(f"  - {{id: r{n}, because: x, when: {{nothing{n}: 1}}, then: {{}}}}" for n in range(1_000))
    (folder / "many.yaml").write_text(f"stage: classification\nrules:\n{rules}\n")

    result = load_rulebook(folder)

    assert result.rulebook is None
    assert len(result.diagnostics) == 1_001
    assert result.diagnostics[-1].code == "too-many-mistakes"
    assert result.diagnostics[-1].message == "and 1000 more mistakes"


def test_no_prefix_of_a_file_is_too_much(folder, base):
    """A file is seen half written at any byte: never an exception, and never a rulebook without a word of it."""
    content = base["times.yaml"].encode()
    for length in range(0, len(content), 7):
        (folder / "times.yaml").write_bytes(content[:length])

        result = load_rulebook(folder)

        assert (result.rulebook is None) == any(d.severity == "error" for d in result.diagnostics)


PIECES = [*"{}[]:,-#&*!|>'\"%@`\t\n\0 1é火", "- ", ": ", "null", "{}"]


@examples(200)
@given(data=st.data())
def test_mangled_files_never_raise(tmp_path_factory, base, data):
    name = data.draw(st.sampled_from(sorted(base)))
    mangled = data.draw(mangled_texts(base[name], PIECES))

    result = load_rulebook(write(tmp_path_factory.mktemp("mangled"), {**base, name: mangled}))

    assert (result.rulebook is None) == any(d.severity == "error" for d in result.diagnostics)
