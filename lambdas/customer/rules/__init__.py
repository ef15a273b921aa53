"""Pure decisions about customers, a module per subject."""
