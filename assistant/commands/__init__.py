"""Offer each command of `facecue` as one module: its options, and what it does."""
