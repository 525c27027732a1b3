"""Step 3, database -> mail: claim an edition, build the message, send it, write down its fate; one message at a time on
each connection.

    deliver     one run: threads, and what is put in order before
    claims      which editions this run has, handed to its threads in turn
    sender      one thread with its connections
    build_pool  building ahead on other cores
    marks       what happened, written by one thread for all; outcomes and refusals: what each failure leads to
    pacing      rates, holds and another relay; backoff: when to try again
    posts       what goes to channels other than mail
    worker_ids  who leases, and who of them is known to be dead

SMTP itself, and what a reply means, belongs to `bot.mail.transport`.
"""
