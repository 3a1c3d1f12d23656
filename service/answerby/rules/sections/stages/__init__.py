"""Rules of stages: conditions, outputs, and the order in which stages read each other's facts."""
