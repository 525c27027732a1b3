"""Step 2, database -> database: for every subscriber due, what is true now and was not at their last edition.

    compose           who is due, in chunks that processes and machines share
    changes, matches  what changed since a revision, and which subscribers' queries want it
    digests, alerts   which of that a subscriber gets now, and what waits
    drafts            writing editions and cursors down in one transaction
    per_week, near_profiles, tastes   wishes of subscribers: the best of a week, what is near, what is liked

How an edition reads belongs to `bot.core.letter`, and is decided when it is sent.
"""
