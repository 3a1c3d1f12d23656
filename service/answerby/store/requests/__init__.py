"""Requests and their decisions: load, commit, list, watch, export."""
