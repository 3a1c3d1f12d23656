"""Rule tests: the cases of `*_test.yaml` files, decided by `decide()` under a virtual clock."""
