"""From what the stages said to due times and timers."""
