"""`answerby diff`: the differences in meaning between two folders of rules."""
