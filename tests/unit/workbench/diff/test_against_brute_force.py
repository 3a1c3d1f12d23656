"""What `diff` says against what deciding requests shows: no difference that it calls proved absent."""

import re
from random import Random

from hypothesis import given, note
from hypothesis import strategies as st

from answerby.workbench.diff.compare import compare
from answerby.workbench.diff.report import report_text
from tests.kit.examples import examples
from tests.unit.workbench.diff.brute_force import apart, is_declared
from tests.unit.workbench.diff.edited_rulebooks import EDITS, edited_pair

REQUESTS = 40
PYTHON = re.compile(r"\b[A-Z]\w+\(|datetime\.|mappingproxy|frozenset|<\w+[.:]|\{'|\['|None|True|False")
"""What only Python would write."""


@examples(100, deep=5000)
@given(seed=st.integers(0, 2**64))
def test_no_difference_is_called_proved_absent(seed: int) -> None:
    chance = Random(seed)
    pair = edited_pair(chance.choice(sorted(EDITS)), chance)
    if pair is None:
        return
    comparison = compare(*pair)
    report = report_text(comparison)
    note(report)
    missed = [found for found in apart(*pair, chance, REQUESTS) if not is_declared(found, comparison)]
    assert not missed, f"{missed[0]}\n{report}"
    assert PYTHON.search(report) is None, report
