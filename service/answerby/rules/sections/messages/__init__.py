"""Message templates (`templates:`) and their placeholders."""
