"""The workbench: what people use to trust a change of the rules. Nothing that decides needs it."""
