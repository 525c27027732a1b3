"""What one subscriber is told: the edition, the picks it is stored as, and which papers get its places."""
