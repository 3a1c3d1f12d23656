"""Budgets count operations, never seconds: the same rules give the same findings on any machine."""

from __future__ import annotations


class OverBudget(Exception):
    """The question takes more operations than its budget. It stays open."""


class Budget:
    """The operations left for one question, or for all questions together. One operation looks at one box."""

    __slots__ = ("_parent", "left")

    def __init__(self, operations: int, parent: Budget | None = None) -> None:
        self.left = operations
        self._parent = parent

    def spend(self, operations: int) -> None:
        """Raises OverBudget when this budget or its parent is used up."""
        self.left -= operations
        if self._parent is not None:
            self._parent.spend(operations)
        if self.left < 0:
            raise OverBudget

    def part(self, operations: int) -> Budget:
        """A budget for one question, as a part of this one."""
        return Budget(operations, self)
