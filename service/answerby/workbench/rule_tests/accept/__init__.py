"""Taking over what moved: expectations that no longer hold get the value that holds now, at a person's word."""
