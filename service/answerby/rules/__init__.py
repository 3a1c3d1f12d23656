"""From rule files to an immutable Rulebook, with diagnostics about the files."""
