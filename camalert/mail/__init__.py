"""Messages: composed, spooled, delivered."""
