"""The live parts of the pages: one folder each, with a typed Python wrapper next to its scripts and styles.

The browser mounts a component once and updates it from the live feed, so a run in progress costs no Streamlit reruns. A
key keeps a component mounted across reruns: give each place on a page a key of its own that never changes.
"""
