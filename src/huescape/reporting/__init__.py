"""What the report page says: facts read from the files of earlier stages, put into plain rows."""
