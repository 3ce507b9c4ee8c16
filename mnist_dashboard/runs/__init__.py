"""What only the Runs page needs: the table, curves, comparisons, and actions on the selected runs."""
