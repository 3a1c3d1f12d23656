"""Differences in meaning between two rulebooks, with requests that show them."""
