"""Pure decisions about whole customers, a module per subject."""
