"""decide(): from rulebook, state, event and moment to a decision. Pure: no I/O, no clock, no chance."""
