"""What comes in, what is stored and what goes out of loyalty."""
