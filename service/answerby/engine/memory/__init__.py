"""Memory beside the plain core: results that are remembered instead of computed again, with the same bytes."""
