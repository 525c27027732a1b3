"""Step 1, web -> database: ask the sources, merge their listings into papers, note every change.

    collect  which sources are asked, and writing down what they brought
    gather   the documents of one source: fetched and read until none leads to another
    judge    how a source is doing afterwards, and when it is asked again

What a document means belongs to `bot.sources`, which listings are one paper to `bot.core.papers`.
"""
