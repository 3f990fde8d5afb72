"""What networks that know photos make of colored ones: classes, features, nearest photos."""
