"""Text from outside made harmless and readable.

    sanitize   bytes to text, any value to one line, any address to a web address or ""
    markup     HTML to the text it shows
    tex        TeX to Unicode, by the tables of `tex_tables`

Nothing here knows about papers or sources.
"""
