"""Revisions of the rulebook and their candidates, in the form of the store."""
