"""Values as people write them: durations, dates, times, values of vocabulary fields."""
