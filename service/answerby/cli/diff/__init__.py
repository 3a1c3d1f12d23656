"""`answerby diff`: what differs in meaning between two folders of rules."""
