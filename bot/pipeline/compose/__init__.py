"""compose: database -> database. For every subscriber due: what is true now and was not at their last edition."""
