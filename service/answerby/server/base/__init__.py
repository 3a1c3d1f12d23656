"""What every room of the server stands on: configuration, logs, metrics, loops, roles, validation of events."""
