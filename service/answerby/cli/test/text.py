"""The result of rule tests in words."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from answerby.cli.check.source_lines import Sources, printable
from answerby.cli.test.result import Result, TimedOutcome
from answerby.rules.text.diagnostics import Diagnostic
from answerby.rules.text.severities import Severity
from answerby.workbench.rule_tests.coverage import Coverage, Part, RuleCoverage, percent

WORDS = {
    "en": {
        "failed": "FAILED",
        "broken case": "BROKEN",
        "times": "{name} ({count} cases)",
        "with": "with {parameters}",
        "mistake": "MISTAKE",
        "warning": "WARNING",
        "summary": "{folder}: {passed} passed, {failed} failed{broken}",
        "broken": ", {count} broken (not run, because of mistakes in test files)",
        "none": "{folder}: no *_test.yaml file",
        "nothing": "{folder}: no case is called so",
        "coverage": "coverage: {covered} of {all} rules, rows and scores decided some case ({percent} %)",
        "trial": "{count} of them shadow rules (mode: shadow), for which a match counts",
        "rule": "  {place} {id}  {reach}{dates}",
        "never matched": "never matched",
        "matched": "matched, but never decided",
        "dates": " (in force {dates}: give the case a `now` within)",
        "steps": "ladder steps: {covered} of {all} fired",
        "clocks": "clocks: {covered} of {all} started, were met and breached",
        "part": "  {name}: {lacking}",
        "under": "coverage {percent} % is below {least} %",
    },
    "zh": {
        "failed": "失败",
        "broken case": "无法运行",
        "times": "{name}（{count} 个用例）",
        "with": "参数 {parameters}",
        "mistake": "错误",
        "warning": "警告",
        "summary": "{folder}：{passed} 个通过，{failed} 个失败{broken}",
        "broken": "，{count} 个无法运行（测试文件有错误）",
        "none": "{folder}：没有 *_test.yaml 文件",
        "nothing": "{folder}：没有名称匹配的用例",
        "coverage": "覆盖率：{all} 条规则、表行与评分中有 {covered} 条在用例中生效（{percent} %）",
        "trial": "其中 {count} 条为影子规则（mode: shadow），命中即算覆盖",
        "rule": "  {place} {id}  {reach}{dates}",
        "never matched": "从未命中",
        "matched": "命中过，但从未生效",
        "dates": "（有效期 {dates}：用例的 `now` 须在其内）",
        "steps": "升级步骤：{all} 步中触发 {covered} 步",
        "clocks": "时钟：{all} 个中有 {covered} 个启动、按时完成、超时都覆盖到",
        "part": "  {name}：{lacking}",
        "under": "覆盖率 {percent} % 低于 {least} %",
    },
}


def lines(result: Result, language: str, *, filtered: bool = False) -> Iterator[str]:
    """The mistakes, the broken and the failed cases, the coverage if it was measured, and the summary."""
    words = WORDS.get(language, WORDS["en"])
    sources = Sources(result.folder)
    for found in result.findings:
        yield f"{words['mistake' if found.severity == Severity.ERROR else 'warning']} {found}"
        yield from excerpt_lines(found, sources)
    yield from broken_lines(result, words)
    for case in result.cases:
        if case.failed:
            yield from case_lines(case, words)
    if result.coverage is not None:
        yield from coverage_lines(result.coverage, words)
    if result.too_little_covered and result.coverage is not None:
        yield words["under"].format(percent=result.coverage.percent, least=f"{result.fail_under:g}")
    yield summary(result, words, filtered=filtered)


def excerpt_lines(found: Diagnostic, sources: Sources) -> Iterator[str]:
    """The line of a finding, with a caret."""
    excerpt = sources.excerpt(found.file, found.line, found.column)
    if excerpt is not None:
        yield f"  {found.line} | {excerpt.text}"
        yield f"  {' ' * len(str(found.line))} | {excerpt.caret}"


def broken_lines(result: Result, words: dict[str, str]) -> Iterator[str]:
    """A line for each broken case; one for all that one entry of a file makes."""
    for (file, line), found in groupby(result.broken, key=lambda case: (case.file, case.line)):
        name, *others = [case.name for case in found]
        shown = words["times"].format(name=name, count=len(others) + 1) if others else name
        yield f"{words['broken case']} {file}:{line} {printable(shown)}".rstrip()


def case_lines(case: TimedOutcome, words: dict[str, str]) -> Iterator[str]:
    located = case.outcome.located
    yield f"{words['failed']} {located.file}:{located.line} {printable(located.case.name)}"
    parameters = ", ".join(f"{name}={value}" for name, value in located.case.parameters.items())
    if parameters not in located.case.name:
        yield "  " + words["with"].format(parameters=printable(parameters))
    yield from (f"  {printable(difference)}" for difference in case.outcome.differences)
    yield from (f"  | {printable(line)}" for line in case.outcome.why.splitlines())


def summary(result: Result, words: dict[str, str], *, filtered: bool) -> str:
    if not result.cases and not result.broken:
        return words["nothing" if filtered else "none"].format(folder=result.folder)
    broken = words["broken"].format(count=len(result.broken)) if result.broken else ""
    return words["summary"].format(folder=result.folder, passed=result.passed, failed=result.failed, broken=broken)


def coverage_lines(coverage: Coverage, words: dict[str, str]) -> Iterator[str]:
    """The total, each file, and everything that is not covered, as `file:line id`."""
    rules = coverage.rules
    yield words["coverage"].format(covered=coverage.covered, all=len(rules), percent=coverage.percent)
    on_trial = sum(rule.on_trial for rule in rules)
    if on_trial:
        yield "  " + words["trial"].format(count=on_trial)
    for file, found in coverage.files().items():
        covered = sum(rule.covered for rule in found)
        yield f"  {file}  {covered}/{len(found)}  {percent(covered, len(found))} %"
        yield from ("  " + rule_line(rule, words) for rule in found if not rule.covered)
    yield from part_lines(coverage.steps, words, "steps")
    yield from part_lines(coverage.clocks, words, "clocks")


def rule_line(rule: RuleCoverage, words: dict[str, str]) -> str:
    dates = words["dates"].format(dates=rule.in_force) if rule.in_force else ""
    return words["rule"].format(
        place=f"{rule.file}:{rule.line}", id=rule.id, reach=words[rule.reach.value], dates=dates
    )


def part_lines(parts: tuple[Part, ...], words: dict[str, str], what: str) -> Iterator[str]:
    if not parts:
        return
    lacking = [part for part in parts if part.lacking]
    yield words[what].format(covered=len(parts) - len(lacking), all=len(parts))
    yield from (words["part"].format(name=part.name, lacking=", ".join(part.lacking)) for part in lacking)
