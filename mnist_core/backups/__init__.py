"""Backups: one file that holds the database, checkpoints, models and owner files, and how it is restored."""
