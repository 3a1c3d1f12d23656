"""Facts: one total, typed record of an event, on which every condition is evaluated."""
