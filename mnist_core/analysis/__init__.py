"""Questions about finished runs: tables, filters, groups of seeds, comparisons, importance of settings."""
