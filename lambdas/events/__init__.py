"""The table's stream to the event bus: an effect and its event cannot come apart."""
