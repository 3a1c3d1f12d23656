"""Matching: which rules of a stage hold for a record, by durable-rules in its envelope or by the reference."""
