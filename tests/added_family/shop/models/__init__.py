"""What comes in, what is stored, what goes out. No side is reused for another."""
