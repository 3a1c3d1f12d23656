"""`answerby serve` and `answerby run`."""
