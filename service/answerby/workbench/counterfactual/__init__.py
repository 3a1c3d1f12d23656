"""Counterfactuals: the smallest change of facts that gives another decision, proved by `decide()`."""
