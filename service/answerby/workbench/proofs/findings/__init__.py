"""What is proved of the rules of one stage: gaps, overlaps, rules that never count, rules that are protected."""
