"""`./run loaders`: what some Singer loaders make of orders, value by value."""
