"""What can be said of rule files before they decide, found out in a process of its own."""
