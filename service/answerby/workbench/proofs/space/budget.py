"""Budgets: the proofs count operations, never seconds, so that the same rules give the same findings on any machine."""

from __future__ import annotations


class OverBudget(Exception):
    """The question takes more operations than it was given; it stays open."""


class Budget:
    """Operations that one question, or all questions together, may still take. One operation looks at one box."""

    __slots__ = ("_parent", "left")

    def __init__(self, operations: int, parent: Budget | None = None) -> None:
        self.left = operations
        self._parent = parent

    def spend(self, operations: int) -> None:
        """Raises OverBudget when nothing is left, here or of what all questions share."""
        self.left -= operations
        if self._parent is not None:
            self._parent.spend(operations)
        if self.left < 0:
            raise OverBudget

    def part(self, operations: int) -> Budget:
        """A budget for one question, out of this one."""
        return Budget(operations, self)
