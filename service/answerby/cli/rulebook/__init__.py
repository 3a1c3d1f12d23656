"""`answerby rulebook`: what is live, what is tried, and how it changes."""
