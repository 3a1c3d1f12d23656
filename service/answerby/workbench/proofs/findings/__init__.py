"""Findings about the rules of one stage: gaps, overlaps, rules that never count, protected rules."""
