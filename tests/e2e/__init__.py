"""The deployed system, as its callers meet it. ``make e2e`` alone runs these tests."""
