"""The types of a rulebook, the immutable snapshot of all rule files."""
