"""Schedules: decisions on occurrences of schedules, over all open requests of a tenant."""
