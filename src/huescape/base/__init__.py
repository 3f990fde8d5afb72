"""The foundations: files, processes, errors; they import nothing of this package but each other."""
