"""`clocks:` to clock definitions, and `ladders:` to escalation ladders."""
