"""Run the PyPI package facex on frames, through its pool with one worker: see `stopwatch`."""

from importlib.metadata import version

from facex import PoolManager
from stopwatch import watch

pool = PoolManager(pool_size=1)
watch(version("facex"), lambda frame: len(pool.predict(frame)))
