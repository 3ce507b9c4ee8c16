"""Checkpoints: all the state that a run needs to continue bit for bit with the same number of threads."""
