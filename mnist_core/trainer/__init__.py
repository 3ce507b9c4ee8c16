"""One trainer process: folds `train()` into the store, takes commands, saves checkpoints."""
