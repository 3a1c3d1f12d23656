"""Effects on their way to connectors."""
