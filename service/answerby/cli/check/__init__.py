"""`answerby check`: every mistake in a rules folder, for people and for tools."""
