"""`answerby test`: the rule tests of a folder, with results as text, JSON and JUnit."""
