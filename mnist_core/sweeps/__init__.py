"""Searches for good settings: what is searched, the controller around Optuna, and the verdict on the winner."""
