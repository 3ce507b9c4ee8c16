"""The sidebar of the Train page: the settings of the next run, or those of the run shown."""
