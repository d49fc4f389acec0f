"""Run models: what they are (manifest), on what (back ends), and what they say of a face."""
