"""Plain frozen types of the field: events, requests, clocks, effects, decisions. Imports nothing of ours."""
