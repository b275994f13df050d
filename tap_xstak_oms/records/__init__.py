"""An order's text as a record's text. Pure."""
