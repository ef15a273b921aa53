"""What the service costs, as ratios against a peer in the same run: ``python -m tests.bench``.

Nothing here is a test. Every timed figure is taken from two programs that take turns on the same
machine, so that its load falls on both; ``docs/performance.md`` says how to read them.
"""
