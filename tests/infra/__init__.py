"""The templates: what a deployment would make, asserted without making it."""
