"""The benchmark lab: how fast, how large and how true the models of this machine are, measured beside each other."""
