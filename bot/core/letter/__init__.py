"""An edition as a letter. Which papers it holds is decided before.

renderer     an edition to a letter of at most so many bytes    short_form    the same in a few lines, for channels
letter_view  what is said around the papers                     paper_view    what is shown of one paper
matched_words, excerpts, one_line   which words are marked, where a text is cut, the authors' own sentence
fragments    pieces drawn once for many letters                 partial_template   with places to be filled in
localize     dates, numbers, lists in the reader's language     wrap          lines of plain text
inline_css, template_error, notices, letter                     small parts of these
model_summary   what a language model is asked, and whether its sentence may be shown; summary_words its tables
samples, sample_papers   invented editions, for `check`, `preview` and the tests
"""
