"""The `webhook` connector: CloudEvents over HTTP, signed."""
