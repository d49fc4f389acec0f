"""Draw faces whose Action Units are known exactly, from the assets of MakeHuman and FACSHuman."""
