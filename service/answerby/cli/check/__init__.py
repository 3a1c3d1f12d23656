"""`answerby check`: every mistake in a rules folder, in the formats of people and tools."""
