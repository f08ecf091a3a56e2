"""What moved between two pictures."""
