"""The server around the pages: who is let in, who may act, what the browser loads."""
