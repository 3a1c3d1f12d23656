"""Types of the field: events, requests, clocks, effects, decisions. Frozen; they import no other room."""
