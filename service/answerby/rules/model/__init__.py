"""What a rulebook is: the immutable snapshot of all rule files."""
