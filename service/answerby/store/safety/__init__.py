"""What keeps a store from losing what callers were told, or finds out that it has."""
