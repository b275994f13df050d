"""The tap with the engines on the other side: each test module in an environment of its own."""
