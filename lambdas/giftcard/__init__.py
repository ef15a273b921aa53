"""Gift cards: stored value, for whoever bears the code."""
