"""The one way of every event: load its request, decide, commit.

An event goes through three states, each a type of its own: Waiting, LoadedEvent, DecidedEvent (states.py).
"""
