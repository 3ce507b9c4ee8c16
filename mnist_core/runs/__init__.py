"""What people do to runs: start, steer, continue, repeat, edit, delete and restore them."""
