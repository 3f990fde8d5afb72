"""One file for each subcommand that is no stage."""
