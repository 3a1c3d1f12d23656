"""The single path of all events: load the request, decide, commit.

An event has three states, each with its own type: Waiting, LoadedEvent, DecidedEvent (states.py).
"""
