"""HTTP for connectors: calls, their answers, accounts, addresses and waits."""
