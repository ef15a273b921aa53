"""Tests of the search consumer."""
