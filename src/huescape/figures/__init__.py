"""Pictures and plots drawn from arrays; they read no files."""
