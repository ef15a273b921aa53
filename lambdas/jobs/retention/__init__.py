"""The enforcement of the retention policy: a run for each org and day, page by page."""
