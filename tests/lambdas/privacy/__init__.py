"""Tests of what touches whole customers."""
