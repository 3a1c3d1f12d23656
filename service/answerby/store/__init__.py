"""Everything durable: requests, decisions, timers, intake and outbox, in Redis or Valkey >= 7.0.

Every change of a request is one Lua call on keys of one hash tag. The parts of a change become visible together.
"""
