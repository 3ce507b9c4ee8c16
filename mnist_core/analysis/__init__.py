"""Analysis of recorded runs: table rows, filters, seed groups, comparisons, importance of settings, reproducibility."""
