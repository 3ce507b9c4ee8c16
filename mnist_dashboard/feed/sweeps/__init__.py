"""Searches in the live feed: what somebody watches of them, kept in memory and sent when it changes."""
