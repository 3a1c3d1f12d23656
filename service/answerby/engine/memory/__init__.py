"""Memory beside the plain core: answers known from before, with the same bytes as those computed anew."""
