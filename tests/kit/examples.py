"""How many generated examples a property test tries, and whether they are the same in every run.

ANSWERBY_TEST_EXAMPLES is `fast` (a tenth, and one store; the default of `make test`), `ci` (as many as the test says;
the check of a commit, and the default elsewhere) or `deep` (twenty times as many, new ones in each run). A failing run prints the
smallest example that fails, and what makes it fail again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

SCALES = {"fast": 0.1, "ci": 1.0, "deep": 20.0}
PROFILE = os.environ.get("ANSWERBY_TEST_EXAMPLES", "ci")
USUAL = 100
"""Examples of a test that does not say how many."""


def scaled(count: int, deep: int = 0) -> int:
    """So many examples by default, in this run; `deep`: in a deep run."""
    return deep if deep and PROFILE == "deep" else max(1, round(count * SCALES[PROFILE]))


def examples(count: int, deep: int = 0) -> Callable[[Any], Any]:
    """Marks a property test that tries so many examples; `make test-deep` runs all of these, with `deep` examples."""

    def marked(test: Any) -> Any:
        return pytest.mark.generated(settings(max_examples=scaled(count, deep))(test))

    return marked


for name in SCALES:
    settings.register_profile(
        name,
        max_examples=scaled(USUAL),
        deadline=None,
        derandomize=name != "deep",
        print_blob=True,
        # A busy machine is no reason to fail.
        suppress_health_check=[HealthCheck.too_slow],
        database=None,
    )
settings.load_profile(PROFILE)

chances = st.randoms(use_true_random=False)
"""For generators that take a random.Random: what it gives is drawn by Hypothesis, and made smaller like the rest."""
