"""Every way in and out that is claimed, tried: Pythons, dependencies, loaders and a release."""
