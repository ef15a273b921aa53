"""One function per route: those that write, and those that read."""
