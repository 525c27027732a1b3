"""Mail to us: where it waits, what it is, and bounces."""
