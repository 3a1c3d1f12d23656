"""Witnesses: real requests that show what a proof speaks of."""
