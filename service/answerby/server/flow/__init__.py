"""The flow: from an event to its decision, and from the decision to the effects outside."""
