"""The parts of the Sweep page: searches for good settings, and races of a few."""
