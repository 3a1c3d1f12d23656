"""Rule files to a Rulebook. The server, the command line, the tests and the editor all load rules in this way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from types import MappingProxyType

from answerby.rules.model.revision import revision_of
from answerby.rules.model.rulebook import Rulebook, SourceFile
from answerby.rules.sections.calendars.calendar import compile_calendars
from answerby.rules.sections.calendars.calendar_reach import check_calendar_reach
from answerby.rules.sections.calendars.calendar_years import check_calendar_years
from answerby.rules.sections.clocks.clock import compile_clocks
from answerby.rules.sections.clocks.ladder import compile_ladders
from answerby.rules.sections.clocks.ladder_checks import check_ladders
from answerby.rules.sections.lexicons import compile_lexicons
from answerby.rules.sections.messages.placeholders import check_placeholders
from answerby.rules.sections.messages.templates import compile_templates
from answerby.rules.sections.name_scope import NameKind, NameScope
from answerby.rules.sections.one_event_rules import check_one_event_rules
from answerby.rules.sections.reply_policy import compile_reply_policy
from answerby.rules.sections.rule_templates.expansion import RuleTemplates
from answerby.rules.sections.rulebook_settings import compile_settings
from answerby.rules.sections.schedules import compile_schedules
from answerby.rules.sections.stage_compiler import StageSources, compile_stages
from answerby.rules.sections.unused_names import check_unused_names
from answerby.rules.sections.vocabulary import compile_vocabulary
from answerby.rules.text.csv_files import CsvFiles
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import Diagnostic, DiagnosticReport
from answerby.rules.text.ics_files import IcsFiles
from answerby.rules.text.nodes import MappingNode, Node, Place
from answerby.rules.text.rule_folder import RuleText, read_folder
from answerby.rules.text.rule_paths import is_attachment
from answerby.rules.text.severities import PROOF_CODES
from answerby.rules.text.suppressions import SuppressedFinding, Suppression, apply_suppressions, read_suppressions
from answerby.rules.text.yaml_parser import parse_yaml

SECTIONS = (
    "rulebook",
    "fields",
    "lexicons",
    "calendar",
    "clocks",
    "ladders",
    "schedules",
    "templates",
    "rule_templates",
)
"""Top-level keys of a file without `stage`. A file may hold several of them."""


@dataclass(frozen=True, slots=True)
class LoadResult:
    """The result of one load. `rulebook` is None when a diagnostic is an error.

    `suppressed` holds findings that a comment allows, with their comments. `suppressions` holds all of these comments.
    """

    rulebook: Rulebook | None
    diagnostics: tuple[Diagnostic, ...]
    suppressed: tuple[SuppressedFinding, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    clock_places: Mapping[str, Place] = field(default_factory=dict)
    """The places of the clocks' definitions, by id."""


@dataclass(slots=True)
class _Parsed:
    """The parsed files, sorted by kind, and within a kind by path and line."""

    sections: dict[str, list[Node]] = field(default_factory=lambda: {name: [] for name in SECTIONS})
    stages: list[MappingNode] = field(default_factory=list)
    attached: list[RuleText] = field(default_factory=list)
    """CSV and iCalendar files, still as text. Their meaning depends on the table or calendar that names them."""


def load_rulebook(folder: Path, today: date | None = None) -> LoadResult:
    """Loads all rule files below `folder`. A missing folder or a broken file is a diagnostic; no exception is raised.

    `today` adds checks for authors of rules: unused names, ladder steps that never come, and calendars that do not know
    the year of that day, which is an error. Without `today` the result does not depend on the day of the load.
    """
    report = DiagnosticReport()
    texts = read_folder(folder, report)
    if not texts:
        return LoadResult(None, report.sorted())
    return _load(texts, report, str(folder), today)


def load_texts(texts: Iterable[RuleText], today: date | None = None) -> LoadResult:
    """Loads rule files from memory, in the same way as `load_rulebook`. The order of the files does not matter."""
    return _load(texts, DiagnosticReport(), ".", today)


def _load(texts: Iterable[RuleText], report: DiagnosticReport, folder: str, today: date | None = None) -> LoadResult:
    files = sorted(texts, key=lambda t: t.path)
    parsed = _parse(files, report)
    scope = NameScope(report)
    rulebook = _compile(parsed, scope, Place(folder, 1, 1), today)
    suppressions = _suppressions(files, report)
    found = apply_suppressions(
        report.sorted(),
        [s for s in suppressions if s.code not in PROOF_CODES],
        complete=today is not None and not report.has_errors,
    )
    sources = tuple(SourceFile(f.path, f.sha256) for f in files)
    return LoadResult(
        rulebook=None if report.has_errors else replace(rulebook, files=sources),
        diagnostics=found.kept,
        suppressed=found.suppressed,
        suppressions=tuple(suppressions),
        clock_places={name: scope.place_of(NameKind.CLOCK, name) for name in rulebook.clocks},
    )


def _suppressions(files: list[RuleText], report: DiagnosticReport) -> list[Suppression]:
    found: list[Suppression] = []
    for file in files:
        if not is_attachment(file.path):
            suppressions, wrong = read_suppressions(file.path, file.text)
            found += suppressions
            report.extend(wrong)
    return found


def _parse(files: list[RuleText], report: DiagnosticReport) -> _Parsed:
    parsed = _Parsed()
    for file in files:
        if is_attachment(file.path):
            parsed.attached.append(file)
            continue
        root = parse_yaml(file.text, file.path, report)
        start = Place(file.path, 1, 1)
        if _says_nothing(file.text):
            report.add(Code.FILE_EMPTY, start, "the file says nothing", "was it only half written?")
            report.lose()
        elif root is None:
            _note_incomplete(file, report)
        elif not isinstance(root, MappingNode):
            message = "a rule file is a mapping with a key such as `stage:` or `fields:`"
            report.add(Code.FILE_KIND, start, message, "begin the file with such a key, without `- `")
        else:
            _sort(parsed, root, report)
    return parsed


def _says_nothing(text: str) -> bool:
    return all(not line.strip() or line.lstrip().startswith("#") or line.strip() == "---" for line in text.splitlines())


def _note_incomplete(file: RuleText, report: DiagnosticReport) -> None:
    """Notes the sections of a broken file, so that names from these sections are not reported as unknown elsewhere."""
    starts = {line.split(":")[0] for line in file.text.splitlines() if ":" in line}
    report.lose(starts & {*SECTIONS, "stage"})


def _sort(parsed: _Parsed, root: MappingNode, report: DiagnosticReport) -> None:
    keys = set(root.keys())
    if "stage" in keys or {"rules", "table", "score"} & keys:
        parsed.stages.append(root)
    elif not keys & set(SECTIONS):
        known = (*SECTIONS, "stage")
        hint = report.suggest(next(iter(root.keys()), ""), known)
        report.add(Code.FILE_KIND, root, "no key tells what kind of rule file this is", hint)
    else:
        for key, node in root.entries:
            if key.text in parsed.sections:
                parsed.sections[key.text].append(node)
            else:
                hint = report.suggest(key.text, SECTIONS)
                report.add(Code.UNKNOWN_KEY, key, f'a rule file has no key "{key.text}"', hint)


def _compile(parsed: _Parsed, scope: NameScope, folder: Place, today: date | None) -> Rulebook:
    """The rulebook. Each section is compiled after the sections that it refers to."""
    report, sections = scope.report, parsed.sections
    if not sections["fields"] and not report.may_have_lost("fields"):
        report.add(Code.NO_VOCABULARY, folder, "no file declares the fields", "add a file with `fields:`")
        report.lose(["fields"])
    if not parsed.stages and not report.may_have_lost("stage"):
        report.add(Code.NO_RULES, folder, "no file holds rules", "add a file with `stage:` and `rules:`")
    settings = compile_settings(scope, sections["rulebook"])
    vocabulary = compile_vocabulary(scope, sections["fields"])
    lexicons = compile_lexicons(scope, sections["lexicons"])
    ics_files = IcsFiles(parsed.attached, report)
    calendars = compile_calendars(scope, sections["calendar"], ics_files)
    ics_files.report_unused()
    templates, placeholders = compile_templates(scope, sections["templates"])
    replies = compile_reply_policy(scope, settings.replies)
    ladders = compile_ladders(scope, sections["ladders"])
    clocks = compile_clocks(scope, sections["clocks"])
    schedules = compile_schedules(scope, sections["schedules"], clocks)
    csv_files, rule_templates = CsvFiles(parsed.attached, report), RuleTemplates(scope)
    rule_templates.declare(sections["rule_templates"])
    stages = compile_stages(scope, settings, clocks, StageSources(parsed.stages, csv_files, rule_templates))
    csv_files.report_unused()
    rule_templates.report_unused()
    rulebook = Rulebook(
        revision="",
        vocabulary=vocabulary,
        stages=stages,
        lexicons=MappingProxyType(lexicons),
        calendars=MappingProxyType(calendars),
        clocks=MappingProxyType(clocks),
        ladders=MappingProxyType(ladders),
        templates=MappingProxyType(dict(templates)),
        roles=MappingProxyType(settings.roles),
        numbering=settings.numbering,
        schedules=MappingProxyType(schedules),
        replies=replies,
    )
    check_placeholders(scope, placeholders, rulebook)
    if today is not None:
        check_calendar_years(scope, calendars, today)
    if today is not None and not report.has_errors:
        check_unused_names(scope, stages, clocks)
        check_calendar_reach(scope, calendars, clocks, stages, today)
        check_one_event_rules(scope, stages)
        check_ladders(scope, ladders, clocks, stages)
    return rulebook if report.has_errors else replace(rulebook, revision=revision_of(rulebook))
