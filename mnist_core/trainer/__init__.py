"""One trainer process: trains a run, commits its metrics, follows commands and saves checkpoints."""
