"""Shops: where the company sells."""
