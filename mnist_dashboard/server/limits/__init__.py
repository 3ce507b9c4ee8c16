"""What keeps one client from using up the server: rate limits and the guard of open WebSockets."""
