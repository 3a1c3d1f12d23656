"""`clocks:` and `ladders:` to clock definitions and ladders."""
