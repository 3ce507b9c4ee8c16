"""The details of one run: its facts, annotations and lineage."""
