"""The report of a backtest as one HTML page."""
