"""The base of the server: configuration, logs, metrics, loops, roles, validation of events."""
