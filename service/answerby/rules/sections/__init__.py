"""The sections of rule files, from nodes to the parts of a rulebook."""
