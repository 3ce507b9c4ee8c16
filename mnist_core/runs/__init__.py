"""Actions of people on runs: start, steer, continue, repeat, edit, delete and restore them."""
