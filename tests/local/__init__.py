"""The API on one machine, and the tools of the tests themselves."""
