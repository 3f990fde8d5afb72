"""A stage in many processes, which torchrun starts: their group and start, results in order."""
