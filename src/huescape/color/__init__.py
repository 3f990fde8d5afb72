"""Color as pure maths: spaces, bins, encoding, priors and decoding; no files."""
