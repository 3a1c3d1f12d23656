"""The page of each code: its meaning, what to avoid, what to write instead, and why.

The pages ship with the package, in one folder for each family of codes: errors/time/day-duration.md.
"""

from __future__ import annotations

from pathlib import Path

from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import did_you_mean

_PACKAGE = Path(__file__).resolve().parents[2]
_PLACES = (_PACKAGE / "shipped" / "docs" / "errors", _PACKAGE.parent / "docs" / "errors")
PAGES = next((place for place in _PLACES if place.is_dir()), _PLACES[0])
"""The folder of the pages. A folder beside an installed package belongs to others."""
_IN_REPOSITORY = "service/docs/errors"


class NoPage(Exception):
    """There is no such code. The message names similar codes."""


def page(code: str) -> str:
    """The page in Markdown. Raises NoPage."""
    if code not in tuple(Code):
        raise NoPage(f"there is no code {code}; {did_you_mean(code, tuple(Code)) or 'see --explain all'}")
    return _file(code).read_text(encoding="utf-8")


def all_codes() -> str:
    """Every code with the first sentence of its page."""
    return (PAGES / "README.md").read_text(encoding="utf-8")


def page_path(code: str) -> str:
    """The path of the page in the repository."""
    return f"{_IN_REPOSITORY}/{_file(code).relative_to(PAGES).as_posix()}"


def _file(code: str) -> Path:
    """Every code has exactly one page."""
    (found,) = PAGES.glob(f"*/{code}.md")
    return found


def summary(code: str) -> str:
    """The meaning of the code: the first paragraph after the severity."""
    return page(code).split("\n\n")[2].replace("\n", " ")
