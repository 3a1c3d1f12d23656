"""The kit: the base of every connector."""
