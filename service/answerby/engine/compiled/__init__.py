"""A rulebook made ready to decide: the types of what is computed once for all decisions."""
