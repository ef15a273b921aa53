"""The proof that the project does what it says; mirrors the tree of the code."""
