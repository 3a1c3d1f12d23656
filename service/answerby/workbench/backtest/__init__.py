"""Backtest: what other rules would have decided on the same requests. Pure: it knows the engine, no store or server."""
