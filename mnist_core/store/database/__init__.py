"""The database file: opened, migrated, checked and copied. The tables in it belong to the rest of the store."""
