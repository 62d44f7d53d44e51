"""How the tiny model that travels in the package is made; never installed with it."""
