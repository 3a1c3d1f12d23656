"""Proofs about clocks: whether they can start, run out and be met, and whether their occasions can come."""
