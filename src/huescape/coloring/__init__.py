"""Pictures in, colored pictures out: with a system that is there, of any size, in any file."""
