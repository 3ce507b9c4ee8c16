"""The datasets: find, download and check them, and hand them out as uint8 arrays."""
