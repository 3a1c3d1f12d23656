"""`rules:` of a stage: conditions, outputs, and what a stage may read."""
