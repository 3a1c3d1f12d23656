"""`templates:` and the placeholders in them."""
