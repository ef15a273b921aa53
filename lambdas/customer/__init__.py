"""Customers: who they are, and what was decided about them."""
