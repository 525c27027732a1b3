"""Handing messages over: SMTP and folders, and what a relay answers."""
