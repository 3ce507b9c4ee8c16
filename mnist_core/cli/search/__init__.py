"""Commands that search for good settings."""
