"""What comes in (``requests``), is stored (``records``) and goes out (``envelopes``): three sides,
and none is reused for another."""
