"""Prints the findings of a check, or the page of a code.

Exit status 0: accepted. 1: refused because of findings. 2: the check could not be run.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path

from answerby.cli.check.check_target import CannotCheck, find_target
from answerby.cli.check.code_pages import NoPage, all_codes, page
from answerby.cli.check.github import github_lines
from answerby.cli.check.json_text import json_report
from answerby.cli.check.rules_check import CheckResult, run_check
from answerby.cli.check.sarif import sarif_report
from answerby.cli.check.text import text_lines, wants_colour

ACCEPTED, REFUSED, NOT_RUN = 0, 1, 2
ALL = "all"


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


@dataclass(frozen=True, slots=True)
class Options:
    """The options of `answerby check`."""

    strict: bool = False
    form: str = Format.TEXT
    proofs: bool = True
    rules: Path | None = None
    """The rules folder, when the path is only a part of it."""
    on: str = ""
    """The day to check for; empty: today."""


def check(path: Path, options: Options) -> int:
    """Checks a path, prints the findings, and returns the exit status."""
    try:
        form, day = _format(options.form), _day(options.on)
        result = run_check(find_target(path, options.rules), day, proofs=options.proofs)
    except CannotCheck as error:
        return _complain(str(error))
    except OSError as error:
        return _complain(f"{error.filename}: {error.strerror}")
    _publish(result, form, strict=options.strict)
    return REFUSED if result.refused(strict=options.strict) else ACCEPTED


def explain(code: str) -> int:
    """Prints the page of a code, or one line for each code for `all`. Returns the exit status."""
    try:
        print(all_codes() if code == ALL else page(code), end="")
    except NoPage as error:
        return _complain(str(error))
    return ACCEPTED


def _publish(result: CheckResult, form: Format, *, strict: bool) -> None:
    match form:
        case Format.TEXT:
            lines = text_lines(result, strict=strict, colour=wants_colour(sys.stdout, os.environ))
            _print("\n".join(lines))
        case Format.JSON:
            _print(json_report(result, strict=strict))
        case Format.SARIF:
            _print(sarif_report(result, strict=strict))
        case Format.GITHUB:
            _print("\n".join(github_lines(result)))


def _print(text: str) -> None:
    """Prints in UTF-8 whatever the locale, because rules are UTF-8."""
    if not text:
        return
    sys.stdout.flush()
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:
        print(text)
        return
    buffer.write(f"{text}\n".encode("utf-8", errors="backslashreplace"))
    buffer.flush()


def _format(text: str) -> Format:
    try:
        return Format(text)
    except ValueError:
        raise CannotCheck(f'--format is one of {", ".join(Format)}, not "{text}"') from None


def _day(text: str) -> date:
    if not text:
        return datetime.now(UTC).astimezone().date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CannotCheck(f'--on is a day such as 2026-11-22, not "{text}"') from None


def _complain(message: str) -> int:
    print(f"answerby: {message}", file=sys.stderr)
    return NOT_RUN
