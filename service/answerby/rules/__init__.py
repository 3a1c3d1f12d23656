"""Rule files to an immutable Rulebook: load -> check -> compile, with diagnostics."""
