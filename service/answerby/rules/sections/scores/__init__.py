"""`score:` to scores. The checks rule out division by zero and factors out of range."""
