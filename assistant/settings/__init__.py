"""Declare every setting once, and read, check, describe and change a person's own."""

from assistant.settings.file import load, override, parse
from assistant.settings.schema import Settings

__all__ = ["Settings", "load", "override", "parse"]
