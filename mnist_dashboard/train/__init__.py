"""Parts of the Train page: which run it shows, the actions on that run, and its sidebar."""
