"""`answerby test --accept`: shows the expectations that moved and, at the person's word, writes what holds now."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import typer

from answerby.cli.check.source_lines import printable
from answerby.cli.fail import CommandFailed
from answerby.cli.test.result import Result
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.rules.text.diagnostics import DiagnosticReport
from answerby.workbench.rule_tests.accept.moved import Moved, Rewriting, moved_expectations, rewriting_of
from answerby.workbench.rule_tests.suite.files import read_texts

MOST_CASES = 3
"""Most names of cases that one expectation shows."""
WORDS = {
    "en": {
        "moved": "MOVED {place} {name}",
        "kept": "BY HAND {place} {name}",
        "cases": "  in: {cases}",
        "more": " and {count} more",
        "was": "  was: {old}",
        "now": "  now: {new}",
        "question": "Write {count} expectations into {files}?",
        "one": "Write 1 expectation into {files}?",
        "written": "written: {file} ({count})",
        "nothing": "nothing is written",
    },
    "zh": {
        "moved": "变动 {place} {name}",
        "kept": "须手工改 {place} {name}",
        "cases": "  用例：{cases}",
        "more": " 等另 {count} 个",
        "was": "  原为：{old}",
        "now": "  现为：{new}",
        "question": "把 {count} 处期望写入 {files}？",
        "one": "把 1 处期望写入 {files}？",
        "written": "已写入：{file}（{count} 处）",
        "nothing": "没有写入任何内容",
    },
}


def accept_moved(compiled: CompiledRulebook, result: Result, language: str, *, yes: bool) -> bool:
    """Shows what moved and asks; `yes` stands for the answer. True when files were written.

    Cases with mistakes take no part. Raises CommandFailed when a file cannot be written or has changed meanwhile.
    """
    words = WORDS[language]
    rewritings = _rewritings(compiled, result)
    for rewriting in rewritings:
        for line in _lines(rewriting, words):
            print(line)
    taken = [rewriting for rewriting in rewritings if rewriting.taken]
    if not taken or not (yes or _agreed(taken, words)):
        print(words["nothing"])
        return False
    for rewriting in taken:
        _write(result.folder / rewriting.file, rewriting)
        print(words["written"].format(file=rewriting.file, count=len(rewriting.taken)))
    return True


def _rewritings(compiled: CompiledRulebook, result: Result) -> list[Rewriting]:
    by_file: dict[str, list[Moved]] = {}
    for one in moved_expectations(case.outcome for case in result.cases):
        by_file.setdefault(one.file, []).append(one)
    texts = read_texts(result.folder, DiagnosticReport()) if by_file else []
    return [rewriting_of(compiled, texts, file, moved) for file, moved in sorted(by_file.items())]


def _lines(rewriting: Rewriting, words: dict[str, str]) -> Iterator[str]:
    for one in sorted((*rewriting.taken, *rewriting.left), key=lambda moved: (moved.line, moved.column)):
        taken = one in rewriting.taken
        place = f"{one.file}:{one.line}" if one.line else one.file
        yield words["moved" if taken else "kept"].format(place=place, name=printable(one.name))
        names = ", ".join(one.cases[:MOST_CASES])
        more = words["more"].format(count=len(one.cases) - MOST_CASES) if len(one.cases) > MOST_CASES else ""
        yield words["cases"].format(cases=printable(names)) + more
        yield words["was"].format(old=printable(one.old))
        yield words["now"].format(new=printable(one.actual))
        yield from (f"  | {printable(line)}" for line in one.ledger.splitlines())


def _agreed(taken: Sequence[Rewriting], words: dict[str, str]) -> bool:
    """The person's answer; no without one, as when nobody is there to ask."""
    count = sum(len(rewriting.taken) for rewriting in taken)
    files = ", ".join(rewriting.file for rewriting in taken)
    try:
        return typer.confirm(words["one" if count == 1 else "question"].format(count=count, files=files))
    except typer.Abort:
        print()
        return False


def _write(path: Path, rewriting: Rewriting) -> None:
    """Replaces the file as a whole, so that a crash leaves the old one or the new one."""
    path = path.resolve()
    scratch = path.with_name(f".{path.name}.new")
    try:
        content = path.read_bytes()
        mark = b"\xef\xbb\xbf" if content.startswith(b"\xef\xbb\xbf") else b""
        if content.removeprefix(mark).decode() != rewriting.before:
            raise CommandFailed(f"{path} was changed meanwhile; nothing is written into it, say the command again")
        scratch.write_bytes(mark + rewriting.text.encode())
        shutil.copymode(path, scratch)
        scratch.replace(path)
    except OSError as error:
        raise CommandFailed(f"{path}: {error.strerror}") from error
