"""The six stages: hit policies, scores, overrides, and values that ladders gave."""
