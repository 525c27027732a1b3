"""The mail's one house: letters into messages and on their way; bounces, complaints and goodbyes back in.
Which message is due, to whom, and what a failure leads to belongs to `bot.pipeline`."""
