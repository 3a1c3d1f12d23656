"""The live rulebook: how a change is checked, tried, put live and taken back."""
