"""`table:` in YAML and in CSV, to one rule per row."""
