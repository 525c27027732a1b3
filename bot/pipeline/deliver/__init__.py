"""deliver: database -> mail. Lease, build, send, mark; one message at a time."""
