"""The live feed: one reader of the run store, many browsers."""
