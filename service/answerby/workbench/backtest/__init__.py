"""Backtest: the decisions of other rules on the same requests. Pure: it imports the engine, no store or server."""
