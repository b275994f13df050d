"""How fast the tap is, beside what else one could use. `./run bench` tells."""
