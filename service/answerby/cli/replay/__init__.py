"""Replay of an export: rows -> events -> decisions, in this process or on a server."""
