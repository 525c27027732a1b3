"""What several sources read alike: documents (arXiv's, Hugging Face's, saved pages, XML), what stands in them (dates,
names of people, abstracts as they were typeset), and arXiv's calendar.

What to ask for, and which of a source's documents is which, belongs to the source. Text that has nothing to do with
papers (bytes, markup, TeX) is made readable in `bot.core.text`.
"""
