"""Exports of runs for other programs and machines, one module per kind; `formats` lists all formats."""
