"""The view Inside of a run: what the network has learned, and what it makes of an image."""
