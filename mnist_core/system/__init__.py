"""The machine that the program runs on: paths, files, locks, cores, memory, processes."""
