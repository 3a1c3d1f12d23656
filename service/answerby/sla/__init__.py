"""Time: working calendars, working-time arithmetic, clocks and ladders. Pure."""
