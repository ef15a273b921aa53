"""One folder, one Lambda, one family of routes. A family imports itself and ``shared``."""
