"""The live rulebook: check, trial, activation and rollback of a change."""
