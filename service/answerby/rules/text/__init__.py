"""Text of rule files (YAML, CSV, iCalendar) to nodes that know their place, and diagnostics about them."""
