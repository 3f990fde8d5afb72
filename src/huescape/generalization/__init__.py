"""A source of photos that nothing is trained on, and how a system colors them."""
