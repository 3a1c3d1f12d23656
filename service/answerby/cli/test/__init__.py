"""`answerby test`: the rule tests of a folder, and their results as text, JSON and JUnit."""
