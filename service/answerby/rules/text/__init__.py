"""Rule files as text: YAML, CSV and iCalendar to nodes with their places, and the diagnostics about them."""
