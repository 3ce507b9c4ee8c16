"""The live feed: reads the run store once and sends changes to every browser."""
