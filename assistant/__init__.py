"""Tell a blind person, in a few words, what the face in front of them is doing."""

__version__ = "0.1.0"
