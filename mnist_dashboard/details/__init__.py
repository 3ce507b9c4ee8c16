"""What the details of one run show."""
