"""Witnesses: real requests that show a finding."""
