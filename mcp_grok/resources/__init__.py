"""What clients can read."""
