"""Tests of the promotion."""
