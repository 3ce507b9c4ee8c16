"""How steps and predictions are packed into the columns of the database."""
