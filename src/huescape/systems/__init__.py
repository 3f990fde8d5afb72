"""A system is a network and all that colors a photo with it: checked, saved, used, exported."""
