"""Parts of the Runs page: the state of the table, curves, comparisons, and actions on the selected runs."""
