"""Tables in YAML and CSV, to one rule for each row."""
