"""Find faces, follow them without knowing who they are, and cut them out for the models."""
