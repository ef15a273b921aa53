"""Subscriptions in three shapes: what comes in, what is stored, what goes out."""
