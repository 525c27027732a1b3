"""Mail to us: where it waits (`mailboxes`), what it means (`classify`), and what reports and answers say.

Acting on it belongs to `bot.pipeline.upkeep`.
"""
