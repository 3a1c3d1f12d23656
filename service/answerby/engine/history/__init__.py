"""The history of a request: life cycle, merges, late events and corrections."""
