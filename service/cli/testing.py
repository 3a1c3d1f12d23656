"""`answerby test`: the rule tests of a folder, under a virtual clock."""

from __future__ import annotations

from pathlib import Path

from service.cli.checking import check_rules
from service.engine.compiled import compile_rulebook
from service.engine.rule_tests.runner import Outcome, run_folder
from service.engine.rule_tests.suite import BadSuite
from service.rules.loader import load_rulebook


def pass_rule_tests(folder: Path) -> bool:
    """Prints every failing case with expected, actual and why; True when all passed and there was at least one."""
    rulebook = load_rulebook(folder).rulebook
    if rulebook is None:
        return check_rules(folder)
    compiled = compile_rulebook(rulebook)
    passed = failed = 0
    for outcome in run_folder(compiled, folder):
        if isinstance(outcome, BadSuite):
            print(f"FAILED {outcome}")
            failed += 1
        elif outcome.differences:
            show(outcome)
            failed += 1
        else:
            passed += 1
    print(f"{folder}: {passed} passed, {failed} failed" if passed or failed else f"{folder}: no *_test.yaml file")
    return passed > 0 and failed == 0


def show(outcome: Outcome) -> None:
    located = outcome.located
    print(f"FAILED {located.file}:{located.line} {located.case.name}")
    for difference in outcome.differences:
        print(f"  {difference}")
    for line in outcome.why.splitlines():
        print(f"  | {line}")
