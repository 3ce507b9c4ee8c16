"""A run in the few values that lists and headings show, and the list of all runs."""
