"""From test files to typed cases. Every mistake in a file becomes a diagnostic."""
