"""The live parts of the pages: one folder each, with the typed Python wrapper beside its scripts and styles.

A component is mounted once and then fed by the live feed in the browser, so a running run costs no Streamlit reruns. A
key keeps a component mounted across reruns: give each place on a page its own, and the same one every time.
"""
