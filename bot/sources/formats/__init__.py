"""What several sources read alike: documents (arXiv's, Hugging Face's, saved pages, XML), what stands in them (dates,
names of people, abstracts as they were typeset), arXiv's calendar, and addresses asked for page by page.

What to ask for, and which of a source's documents is which, belongs to the source. Text that has nothing to do with
papers (bytes, markup, TeX) is made readable in `bot.core.text`.
"""
