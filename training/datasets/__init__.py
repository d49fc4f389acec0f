"""Read data sets: one adapter a file, each a function from a path to a list of `sample.Sample`."""
