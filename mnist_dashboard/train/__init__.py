"""Parts of the Train page: the settings in the sidebar, and the actions on the run shown."""
