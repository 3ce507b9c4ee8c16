"""What only the Train page needs: the settings of the next run, and the actions on the run shown."""
