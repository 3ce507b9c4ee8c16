"""The trials of a sweep: their processes, how they end, and with which results."""
