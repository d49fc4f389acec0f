"""Take what the wearer asks for by hand: keys, remotes, a hand over the lens."""
