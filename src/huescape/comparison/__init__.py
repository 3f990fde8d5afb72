"""Many systems on the same photos, in a folder of their own: `huescape compare`."""
