"""Compiled rulebooks: the types of all that is computed once per rulebook, before any decision."""
