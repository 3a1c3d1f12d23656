"""Revisions of the rulebook and their candidates, as the store keeps them."""
