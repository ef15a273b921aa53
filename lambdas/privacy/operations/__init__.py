"""What the routes do, a module per subject."""
