"""The six stages: matching, hit policies, scores, overrides, and what is held after the rules."""
