"""The Share button: links for viewers and owners, and who may see and act."""
