"""Networks of the user's own: read their files, check them in a process of their own, and build them."""
