"""What Singer and its SDK need: messages, catalog, state, stream maps."""
