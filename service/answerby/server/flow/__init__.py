"""The flow from an event to its decision, and from the decision to its effects outside."""
