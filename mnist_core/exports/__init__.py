"""Runs written for other programs and other machines, and read back: one module a format, all listed in `formats`."""
