"""Tests of docs: what is generated, and what is said of the tap."""
