"""Everything a run needs to go on bit for bit, as files."""
