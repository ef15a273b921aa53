"""A small family, added by a test in the steps that the README names."""
