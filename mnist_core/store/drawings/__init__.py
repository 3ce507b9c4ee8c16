"""The kept drawings, and what each run reads on them."""
