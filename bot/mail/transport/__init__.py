"""How messages leave: by SMTP or into folders, as an URL says (`from_url`), and what a relay's replies mean.

When a message may leave, and what its failure leads to, belongs to `bot.pipeline.deliver`.
"""
