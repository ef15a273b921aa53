"""What the routes of the customers do, a module per subject."""
