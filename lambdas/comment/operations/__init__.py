"""The operations: what every member may ask and do about comments."""
