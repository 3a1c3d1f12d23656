"""The kit: what connectors are built on."""
