"""Rule templates (`rule_templates:`) and their uses (`use:`)."""
