"""`answerby serve` and `answerby run`: start a server."""
