"""The internal note: its words, its markup, and the mark by which it is known again."""
