"""Signatures of webhooks, by scheme."""
