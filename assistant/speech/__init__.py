"""Decide what is worth saying, say it, and write down what was said and what was kept back."""
