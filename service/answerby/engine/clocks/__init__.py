"""Due times and timers, computed from the results of the stages."""
