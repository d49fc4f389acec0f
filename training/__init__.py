"""Turn faces with labels into a model that the runtime can load: `python -m training COMMAND`."""
