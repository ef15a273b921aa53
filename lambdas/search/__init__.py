"""The table's stream to the search entries."""
