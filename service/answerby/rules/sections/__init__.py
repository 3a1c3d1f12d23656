"""One module for each section of a rule file: from nodes to the parts of a rulebook."""
