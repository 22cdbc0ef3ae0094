"""Tests of the coffee recovery."""
