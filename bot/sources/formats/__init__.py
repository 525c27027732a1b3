"""Documents and calendars that several sources share: arXiv, Hugging Face, saved pages, XML, holidays, names."""
