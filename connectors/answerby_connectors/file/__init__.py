"""The `file` connector: one JSON line per effect."""
