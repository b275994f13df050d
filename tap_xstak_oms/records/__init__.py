"""Turns an order's text into a record's text. Pure."""
