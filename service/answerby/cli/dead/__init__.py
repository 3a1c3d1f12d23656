"""`answerby dead ...`: what was given up, in both directions."""
