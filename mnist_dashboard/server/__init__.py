"""The web server around the pages: access, addresses, rate limits, and the assets that browsers load."""
