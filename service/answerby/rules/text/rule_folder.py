"""The rule files of a folder and their text: YAML, CSV with rows of tables, iCalendar with holidays."""

from __future__ import annotations

import codecs
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import DiagnosticReport
from answerby.rules.text.nodes import Place
from answerby.rules.text.rule_paths import is_attachment, is_csv, is_rule_file, walk_files

MAX_FILE_BYTES = 1 << 20
MAX_FILES = 5_000
_WORKBOOK = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class RuleText:
    """One rule file. `path` is relative to the rule folder, with `/`. `sha256` is the hash of the bytes, in hex."""

    path: str
    text: str
    sha256: str


def read_folder(folder: Path, report: DiagnosticReport) -> list[RuleText]:
    """The rule files below `folder`, in no particular order.

    A folder or file that is missing, empty, too large or unreadable is a diagnostic; no exception is raised.
    """
    if not folder.is_dir():
        report.add(
            Code.FOLDER_MISSING, Place(str(folder), 1, 1), "there is no such folder", "check the configured path"
        )
        return []
    paths = _find(folder, report)
    if not paths and not report.has_errors:
        report.add(Code.FOLDER_EMPTY, Place(str(folder), 1, 1), "the folder holds no rule files (*.yaml)")
    if len(paths) > MAX_FILES:
        message = f"the folder holds more than {MAX_FILES} rule files"
        report.add(Code.FOLDER_TOO_LARGE, Place(str(folder), 1, 1), message, "is it the right folder?")
        return []
    root = folder.resolve()
    texts = [_read(path, _relative(path, folder), root, report) for path in paths]
    if None in texts:
        report.lose()
    return [text for text in texts if text is not None]


def _find(folder: Path, report: DiagnosticReport) -> list[Path]:
    """The paths of rule files. The search stops soon after more than MAX_FILES are found."""

    def unreadable(error: OSError) -> None:
        path = Path(str(error.filename))
        report.add(Code.FILE_UNREADABLE, Place(_relative(path, folder), 1, 1), f"cannot be listed: {error.strerror}")
        report.lose()

    found: list[Path] = []
    for path in walk_files(folder, unreadable):
        if is_rule_file(path.name):
            found.append(path)
        if len(found) > MAX_FILES:
            break
    return found


def _relative(path: Path, folder: Path) -> str:
    """The path for messages. Bytes that are not UTF-8 become replacement characters."""
    text = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
    return os.fsencode(text).decode(errors="replace")


def _read(path: Path, name: str, root: Path, report: DiagnosticReport) -> RuleText | None:
    start = Place(name, 1, 1)
    try:
        if is_attachment(name) and not path.resolve().is_relative_to(root):
            report.add(Code.FILE_UNREADABLE, start, "is a link out of the rule folder", "put a copy of the file here")
            return None
        if not stat.S_ISREG(path.stat().st_mode):
            report.add(Code.FILE_UNREADABLE, start, "is not an ordinary file")
            return None
        with path.open("rb") as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        report.add(Code.FILE_UNREADABLE, start, f"cannot be read: {error.strerror}", "check its permissions")
        return None
    if len(content) > MAX_FILE_BYTES:
        report.add(Code.FILE_TOO_LARGE, start, "is larger than 1 MiB", "split it into several files")
        return None
    text = decode(content, name, report)
    return None if text is None else RuleText(name, text, hashlib.sha256(content).hexdigest())


def decode(content: bytes, file: str, report: DiagnosticReport) -> str | None:
    """The UTF-8 text of the bytes, without a byte order mark. None, with a diagnostic, for any other encoding."""
    remedy = 'in Excel save it as "CSV UTF-8 (Comma delimited)"' if is_csv(file) else ""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        report.add(Code.FILE_ENCODING, Place(file, 1, 1), "is UTF-16", remedy or "save it as UTF-8")
        return None
    if content.startswith(_WORKBOOK):
        report.add(Code.FILE_ENCODING, Place(file, 1, 1), "is an Excel workbook or a ZIP archive", remedy)
        return None
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        place = _place_of(content[: error.start], file)
        report.add(Code.FILE_ENCODING, place, _no_utf8(content), remedy or "save it as UTF-8, not GBK or Latin-1")
        return None
    if "\0" in text:
        place = _place_of(content[: content.index(0)], file)
        hint = "was it only half written?" if not remedy else f"is it UTF-16? {remedy}"
        report.add(Code.FILE_ENCODING, place, "holds a NUL character", hint)
        return None
    return text


def _no_utf8(content: bytes) -> str:
    """The message for bytes that are not UTF-8. The message names GBK when the bytes fit that encoding."""
    try:
        content.decode("gb18030")
    except UnicodeDecodeError:
        return "is not UTF-8 from here on"
    return "is not UTF-8 from here on; it may be GBK"


def _place_of(before: bytes, file: str) -> Place:
    text = before.decode(errors="replace")
    return Place(file, text.count("\n") + 1, len(text) - (text.rfind("\n") + 1) + 1)
