"""One script per page; `main.py` lists them."""
