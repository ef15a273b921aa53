"""From the table's stream to the search entries."""
