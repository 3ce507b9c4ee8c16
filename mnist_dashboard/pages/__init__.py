"""One script a page; `main.py` lists them."""
