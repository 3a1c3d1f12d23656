"""Backtest from the command line: files in, processes, and the report as text, JSON and a page."""
