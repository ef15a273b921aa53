"""What subscriptions do: ``dates`` knows the calendar, ``course`` what time and callers change."""
