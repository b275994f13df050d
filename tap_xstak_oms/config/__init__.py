"""What a user may set, and the one place where it is checked."""
