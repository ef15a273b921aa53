"""B2B accounts, their contacts and their credit."""
