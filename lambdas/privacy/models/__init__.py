"""What comes in (requests), what is stored (records), and what goes out (envelopes)."""
