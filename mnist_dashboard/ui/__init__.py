"""Parts that all pages share: formatting, Markdown escaping, messages, run addresses, the Share popover."""
