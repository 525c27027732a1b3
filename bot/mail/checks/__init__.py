"""What `doctor` can find out about a domain's DNS and a relay, without sending anything.

What is wrong around the database is found by `bot.pipeline.diagnostics`.
"""
