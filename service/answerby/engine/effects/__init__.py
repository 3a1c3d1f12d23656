"""Effects: what a decision wants done outside."""
