"""Explanations: the reasons of a decision, as data and as text."""
