"""A bounded look at an account: its columns, its key, whether it answers."""
