"""`rule_templates:` and `use:`, patterns of rules that are written once."""
