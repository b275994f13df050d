"""A first look: orders from a local XStak through Meltano into files."""
