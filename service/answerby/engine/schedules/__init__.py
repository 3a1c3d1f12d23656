"""Schedules: what is told or begun at a time of the calendar."""
