"""The datasets: find, download and check them, and load them as uint8 arrays."""
