"""Single expectations: each compares one property of a request with the expected value."""
