"""The event database."""
