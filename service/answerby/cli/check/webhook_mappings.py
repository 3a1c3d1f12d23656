"""Mappings of webhooks in a rules folder. They are no rules, and no part of a revision: see the decision record."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from answerby.domain.event import OVERRIDE_PREFIX
from answerby.rules.model.rulebook import Rulebook
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import Diagnostic, did_you_mean, finding
from answerby.rules.text.nodes import Place
from answerby_connectors.kit.hook_mapping.reader import ROOT_KEY, FactName, read_mapping

FOLDER = "mappings"
OF_EVENTS = (OVERRIDE_PREFIX, "due.", "corrects.", "merged.")
"""Beginnings of facts that events have beside those of the vocabulary, see events.md."""


def check_webhook_mappings(folder: Path, rulebook: Rulebook | None) -> list[Diagnostic]:
    """The mistakes in the mappings below a rules folder. Without a rulebook no fact is unknown."""
    return [found for path in sorted(_files(folder)) for found in _check(path, folder, rulebook)]


def _files(folder: Path) -> Iterator[Path]:
    """The files of webhook mappings. Other mappings, such as those of `answerby replay`, begin with other keys."""
    for path in folder.rglob(f"{FOLDER}/**/*.y*ml"):
        if not path.name.startswith(".") and path.is_file() and any(map(_begins, _lines(path))):
            yield path


def _begins(line: str) -> bool:
    return line.removeprefix("\ufeff").startswith(f"{ROOT_KEY}:")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _check(path: Path, folder: Path, rulebook: Rulebook | None) -> Iterator[Diagnostic]:
    file = path.relative_to(folder).as_posix()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        yield finding(Code.FILE_ENCODING, Place(file, 1, 1), "is not UTF-8", "save it as UTF-8")
        return
    result = read_mapping(text)
    for problem in result.problems:
        yield finding(Code.MAPPING_SHAPE, Place(file, problem.line, problem.column), problem.message, problem.hint)
    if rulebook is not None:
        for fact in result.facts:
            if fact.name not in rulebook.vocabulary and not fact.name.startswith(OF_EVENTS):
                yield _unknown(file, fact, rulebook)


def _unknown(file: str, fact: FactName, rulebook: Rulebook) -> Diagnostic:
    message = f"the vocabulary has no field {fact.name}"
    hint = did_you_mean(fact.name, rulebook.vocabulary.fields)
    return finding(Code.MAPPING_UNKNOWN_FACT, Place(file, fact.line, fact.column), message, hint)
