"""The settings: their schema, their sources, and the one place that checks them."""
