"""The demo: a page that colors one photo after another, and the server behind it."""
