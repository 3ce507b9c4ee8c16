"""Clients of the server, with and without a browser, and the proxy between them."""
