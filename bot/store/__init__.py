"""The store: the only house of sqlmodel. `Database` gives transactions; the modules beside it take one and do one
thing in it, so that what belongs together is committed together.

    database     connecting, transactions, migrations     tables     the rows; sql: small helpers of all queries
    schema       the tables of a new database
    papers       what a collection changes                history    what is, and was, true of papers
    sources      how each is doing, whose turn at a host  unparsed   answers that could not be read
    subscribers  who they are; file_sync: the file's      cursors    who is due, and how far each has been told
    editions     what each is told                        outbox     how they leave
    edition_reports  what became of them, for people and monitors
    mail_pacing  rates, holds and quotas of relays        backup     copies of the whole database
    process_lock  who is at work on a SQLite file         locks      of PostgreSQL, and how long any is waited for

and smaller tables: consents, mail_requests, returned_mail, settings, summaries, taste (and taste_wanted, which declares
no table), thumbs, ticks. `diagnostics` asks the database about itself, `schema` makes a new SQLite one,
`psycopg_timeout` bounds every wait for PostgreSQL.
What is to be written is decided above, in `bot.pipeline` and `bot.core`.
"""

from bot.store.database import Connection, Database

__all__ = ["Connection", "Database"]
