"""What runs the API: the stacks, the API document, and the machine-local life of the project."""
