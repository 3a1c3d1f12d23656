"""Check of rule files in a separate process, before the rules decide."""
