"""The view Draw of a run."""
