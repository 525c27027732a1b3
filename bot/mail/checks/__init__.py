"""What `doctor` can find out about a domain's DNS and a relay."""
