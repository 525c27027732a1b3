"""Between compose and deliver, where it is configured: one sentence by a language model about each paper in letters."""
