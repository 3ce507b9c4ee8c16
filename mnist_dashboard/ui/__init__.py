"""What every page shares: formatting, Markdown escaping, addresses, the Share popover."""
