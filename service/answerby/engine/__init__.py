"""The engine: decide() makes a decision of rulebook, state, event and moment. Pure: no I/O, no clock, no chance."""
