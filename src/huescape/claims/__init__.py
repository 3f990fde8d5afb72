"""What the papers claim, and what these systems say to it."""
