"""The `generic` connector: takes the webhooks of any platform, by a mapping file."""
