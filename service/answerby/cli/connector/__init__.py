"""`answerby connector ...`: the hand of an operator on the connectors of a server."""
