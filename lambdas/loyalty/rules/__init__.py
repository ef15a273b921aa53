"""What may happen to points: pure decisions. No I/O, no clock, no HTTP.

Each takes the holdings as they were read and returns a ``Decision``: the entries, the balance, the
pages and the order's record to write, all or nothing.
"""
