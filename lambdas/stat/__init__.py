"""Health: whether the service is up. The call needs no credential and no org, and reads nothing."""
