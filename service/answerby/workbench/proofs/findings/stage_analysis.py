"""The analysis of one stage: asks questions within budgets, has witnesses confirmed, collects findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from answerby.rules.model.rulebook import Rule
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.nodes import Place
from answerby.workbench.proofs.findings.finding import Confirm, Finding
from answerby.workbench.proofs.space.backchain import Backchain
from answerby.workbench.proofs.space.boxes import EVERYTHING, Box, Domains, make_box
from answerby.workbench.proofs.space.budget import Budget, OverBudget
from answerby.workbench.proofs.space.facts import Facts, describe, facts_at
from answerby.workbench.proofs.space.hit_policies import NOTHING, Contest, Demands
from answerby.workbench.proofs.space.stage_view import StageView

QUESTION_BUDGET = 60_000
"""The operations for one question; one operation looks at one box. 500 overlapping rules take some thousand."""
ATTEMPTS = 6
"""The regions tried before a finding counts as not analysable."""
WAYS = 3
"""The ways through earlier stages tried for each region."""

Report = Callable[[Mapping[int, int]], Finding]
"""Makes a finding for a witness point."""


class StageAnalysis:
    """Collects the findings of one stage."""

    def __init__(self, view: StageView, budget: Budget, confirm: Confirm, back: Backchain) -> None:
        """`back` finds the facts from which earlier stages derive others."""
        self.view = view
        self._back = back
        self.contest: Contest = view.contest
        self.unreachable: set[int] = set()
        self.dead: set[int] = set()
        """Rules that match and never win."""
        self.overlapping: set[int] = set()
        self.findings: list[Finding] = []
        self.open: dict[tuple[str, int], str] = {}
        """The reason for each open question, by kind of question and rule. Rule -1 stands for the stage."""
        self.unconfirmed = 0
        self._budget = budget
        self._confirm = confirm
        self.won_at: dict[int, dict[int, int]] = {}
        """A point where each rule wins, for rules that win somewhere."""
        self._points: dict[int, dict[int, int]] = {}

    # ---- questions

    def find(
        self,
        inside: Sequence[int],
        demands: Demands = NOTHING,
        region: Box = EVERYTHING,
        barred: Sequence[Box] = (),
    ) -> Domains | None:
        """Domains in which the rules `inside` match and the demands hold; None if there are none. Raises OverBudget."""
        return self.view.find(inside, demands, self._budget.part(QUESTION_BUDGET), region, barred=barred)

    def live(self) -> list[int]:
        """The rules that can match."""
        return [n for n in range(len(self.contest.rules)) if n not in self.unreachable]

    def point_of(self, number: int) -> dict[int, int]:
        """A point where the rule matches. Raises OverBudget."""
        if number not in self._points:
            found = self.find([number])
            assert found is not None
            self._points[number] = self.view.choose(found)
        return self._points[number]

    def note_point(self, number: int, point: dict[int, int]) -> None:
        self._points.setdefault(number, point)

    # ---- findings

    def rule(self, number: int) -> Rule:
        return self.contest.rules[number]

    def finding(
        self,
        code: Code,
        numbers: Sequence[int],
        message: str,
        hint: str = "",
        point: Mapping[int, int] | None = None,
        region: tuple[str, ...] = (),
        outputs: tuple[str, ...] = (),
    ) -> Finding:
        first = self.rule(numbers[0])
        return Finding(
            code=code,
            stage=self.contest.stage.name,
            rules=tuple(self.rule(n).id for n in numbers),
            place=Place(first.file, first.line, 1),
            message=message,
            hint=hint,
            witness=None if point is None else self._facts_at(point),
            region=region,
            outputs=outputs,
        )

    def _facts_at(self, point: Mapping[int, int]) -> Facts:
        by_ladder = {d for d, cell in point.items() if cell & self.view.only_by_ladder.get(d, 0)}
        names = frozenset(self.view.space.dimensions[d].field for d in by_ladder)
        return replace(facts_at(self.view.space, point), by_ladder=names)

    def add_if_confirmed(self, finding: Finding) -> bool:
        """Adds the finding if a request shows it."""
        if not self._confirm(finding):
            return False
        self.findings.append(finding)
        return True

    def report_if_any(self, kind: str, number: int, inside: Sequence[int], demands: Demands, report: Report) -> bool:
        """Whether a point exists. Adds the finding if a request can be made of one. Raises OverBudget."""
        if self.find(inside, demands) is None:
            return False
        if not self.report_with_witness(inside, demands, report):
            self.unconfirmed += 1
            self.leave_open(kind, number, "no request could be made that shows it")
        return True

    def report_with_witness(
        self,
        inside: Sequence[int],
        demands: Demands,
        report: Report,
        region: Box = EVERYTHING,
        out: Sequence[Box] = (),
    ) -> bool:
        """Adds the finding if a request can be made of one of its points. It does not hold in the boxes `out`."""
        barred: list[Box] = list(out)
        for _ in range(ATTEMPTS):
            found = self.find(inside, demands, region, barred)
            if found is None:
                return False
            restricted = {d: mask for d, mask in enumerate(found) if mask != self.view.domains[d]}
            derived = {d: mask for d, mask in restricted.items() if self._is_derived(d)}
            ways = list(islice(self._back.ways(self.contest.stage.name, restricted), WAYS)) if derived else []
            points = [self._given_point(box) for box in ways]
            if any(self.add_if_confirmed(report(point)) for point in (*points, self.view.choose(found))):
                return True
            # Where no way leads to the derived facts, other derived facts are tried.
            barred.append(make_box(derived if derived and not ways else self.view.choose(found)))
        return False

    def _given_point(self, box: Box) -> dict[int, int]:
        """A point with the given facts of the box. Derived facts follow from them."""
        narrowed = self.view.domains.copy()
        for dimension, mask in box:
            narrowed[dimension] = mask
        return {d: cell for d, cell in self.view.choose(narrowed).items() if not self._is_derived(d)}

    def _is_derived(self, dimension: int) -> bool:
        field = self.view.space.vocabulary.fields.get(self.view.space.dimensions[dimension].field)
        return field is not None and bool(field.derived_by)

    def leave_open(self, kind: str, number: int, why: str) -> None:
        self.open.setdefault((kind, number), why)

    def ask_each(self, kind: str, numbers: Iterable[int], ask: Callable[[int], None]) -> None:
        """Asks a question of each rule. A question over its budget stays open."""
        for number in numbers:
            try:
                ask(number)
            except OverBudget:
                self.leave_open(kind, number, "too many combinations of facts")

    def region(self, domains: Domains) -> tuple[str, ...]:
        """The restrictions of the domains, in words."""
        full = self.view.space.full()
        return describe(
            self.view.space, {d: m for d, m in enumerate(domains) if m != full[d] and m != self.view.domains[d]}
        )

    def names_of(self, numbers: Sequence[int], most: int = 5) -> str:
        """At most `most` ids of rules, in words."""
        ids = [self.rule(n).id for n in numbers[:most]]
        more = len(numbers) - len(ids)
        if more:
            return f"{', '.join(ids)} and {more} more"
        return ids[0] if len(ids) == 1 else f"{', '.join(ids[:-1])} and {ids[-1]}"
