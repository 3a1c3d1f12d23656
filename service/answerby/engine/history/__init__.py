"""What an event does to a request: life cycle, merges, late events and corrections."""
