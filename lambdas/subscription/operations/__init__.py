"""One function per route, and the announcement of what is due, which no caller asks for."""
