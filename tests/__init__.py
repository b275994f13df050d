"""Tests of the tap: each proves one promise."""
