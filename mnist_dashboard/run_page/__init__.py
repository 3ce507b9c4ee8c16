"""The page of one run: its header, which is the same in every view, and the views."""
