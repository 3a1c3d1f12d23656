"""Rule tests: `*_test.yaml` beside the rules, decided by the same decide() under a virtual clock."""
