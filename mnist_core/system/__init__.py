"""The machine around the program: folders, cores, memory, processes."""
