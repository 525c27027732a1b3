"""The rows. Private to `bot.store`: plain values go in and out of it, rows stay inside.

Everything the program knows is here, under unique keys; what may be lost or doubled (scheduled jobs) is not. By
subject, each imported by who asks for it: to declare the tables of letters takes memory that a collection has no use
for. `bot.store.schema` knows all of them.

    paper_rows       papers, and what was true of them      source_rows        how each is doing, and its addresses
    subscriber_rows  who they are, and what they said       taste_rows         what they keep, and what was learnt
    edition_rows     what each is told, and its fate        summary_rows       sentences by a language model
    rate_limit_rows  whose turn it is, at hosts and relays  installation_rows  what it decided for itself, its steps

What all of them share is in `row`.
"""
