"""Serve the settings page, in a process of its own that sees settings, health and words, and never a picture."""
