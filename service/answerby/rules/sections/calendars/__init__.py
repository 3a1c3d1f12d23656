"""`calendar:` to working calendars, with holidays from files and from public data."""
