"""`score:` to scores, checked so that none is divided by zero."""
