"""Counts over time as the server asks for them: the same as every other caller of decide()."""

from __future__ import annotations

from service.engine.windows import Windows

__all__ = ["Windows"]
