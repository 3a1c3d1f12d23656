"""The space of facts: regions in which the conditions of a rulebook tell no two requests apart."""
