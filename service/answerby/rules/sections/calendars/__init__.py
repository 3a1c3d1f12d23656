"""`calendar:` to working calendars, with holidays from elsewhere."""
