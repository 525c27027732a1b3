"""Mail in both directions: letters into messages and on their way; bounces, complaints, answers and unsubscribes back.

    message    one message as bytes          transport  how it leaves: SMTP or folders
    incoming   mail to us, and what it says  checks     what `doctor` finds out about relay and DNS
    tokens     proofs of ours in links and addresses    refusal_words  whom a refusal speaks of

Which message is due, to whom, and what a failure leads to belongs to `bot.pipeline`.
"""
