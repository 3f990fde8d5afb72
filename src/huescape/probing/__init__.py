"""What the features of a network say of a photo's scene, depth by depth, to a linear classifier."""
