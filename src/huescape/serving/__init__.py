"""What every server of a page shares: its socket, who may talk to it, how fast, and refusals."""
