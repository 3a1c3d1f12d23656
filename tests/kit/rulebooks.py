"""Rulebooks for tests: three small ones that lie in rule_files, and any made of texts.

`office` has every stage, two clocks and a ladder that repeats; its office works 9 to 18 in Shanghai. `repairs` is a desk
whose figures are easily worked out by hand. `complaints` is for tests of a whole service: its one clock runs out in seconds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.compiler import compile_rulebook
from answerby.rules.loader import LoadResult, load_texts
from answerby.rules.model.rulebook import Rulebook
from answerby.rules.text.rule_folder import RuleText


def files_of(name: str) -> dict[str, str]:
    """The files of one of the three: name to text."""
    folder = Path(__file__).with_name("rule_files") / name
    return {path.name: path.read_text("utf-8") for path in sorted(folder.glob("*.yaml"))}


OFFICE = files_of("office")
REPAIRS = files_of("repairs")
COMPLAINTS = files_of("complaints")


def variant(files: Mapping[str, str], **texts: str) -> dict[str, str]:
    """The files, those named here (without .yaml) replaced or added."""
    return {**files, **{f"{name}.yaml": text for name, text in texts.items()}}


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Writes the files to the folder, which is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def load(files: Mapping[str, str]) -> LoadResult:
    """What the loader makes of the files, mistakes included."""
    return load_texts(RuleText(name, text, hashlib.sha256(text.encode()).hexdigest()) for name, text in files.items())


def rulebook_of(files: Mapping[str, str]) -> Rulebook:
    """The rulebook of files without a mistake."""
    result = load(files)
    assert result.rulebook is not None, "\n".join(map(str, result.diagnostics))
    return result.rulebook


def compiled(files: Mapping[str, str], engine: str = "reference") -> CompiledRulebook:
    """The same, ready to decide. One by `durable` has a matcher to close."""
    return compile_rulebook(rulebook_of(files), engine)
