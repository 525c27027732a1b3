"""Who reads: the subscriber and their profiles, their schedule, their address."""
