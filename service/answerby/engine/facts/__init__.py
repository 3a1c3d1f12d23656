"""One total, typed record of an event: what every condition is asked of."""
