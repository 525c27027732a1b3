"""The rows. Private to `bot.store`: plain values go in and out of it, rows stay inside.

Everything the program knows is here, under unique keys; what may be lost or doubled (scheduled jobs) is not. By
subject, each imported by who asks for it: to declare the tables of letters takes memory that a collection has no use
for. `bot.store.schema` knows all of them.

    papers        papers, and what was true of them         sources       how each is doing, and its addresses
    subscribers   who they are, and what they said          taste         what they keep, and what was learnt from it
    editions      what each is told, and what became of it  summaries     sentences by a language model
    rate_limits   whose turn it is, at hosts and relays     installation  what it decided for itself, and its steps

What all of them share is in `row`.
"""
