"""The networks, the layers they are built of, and their sizes."""
