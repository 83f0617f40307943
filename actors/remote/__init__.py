"""Models that are asked over the network: one guarded way to them, and the ports that use it."""
