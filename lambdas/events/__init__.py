"""From the table's stream to the event bus. An event is stored with its effect, so none is lost."""
