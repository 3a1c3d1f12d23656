"""Working calendars, business time, clocks and ladders. Pure."""
