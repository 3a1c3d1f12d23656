"""What differs in meaning between two rulebooks, with requests that show it."""
