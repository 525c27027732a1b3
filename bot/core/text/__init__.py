"""Text from outside made harmless and readable.

    sanitize   bytes to text, any value to one line, any address to a web address or ""
    markup     HTML to the text it shows
    tex        TeX to Unicode; `tex_formula` reads its formulas, `tex_notation` what both share, `tex_tables` is data
    letters    letters that Unicode does not take apart, in plain ones
    translatable   English text that a page may show in another language
    columns    how many columns of a terminal a text takes

Nothing here knows about papers or sources.
"""
