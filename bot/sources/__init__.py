"""The sources, one small module each. A module says what to ask and how to read the answer; it never fetches.

    Settings                               frozen dataclass: the source's own keys in the configuration
    requests(settings, progress, now)      -> list[Request]: what to ask now, given how far it has been read
    parse(document, settings)              -> Parsed; raises SourceError for a document that is not what it should be
    quiet(settings, now)                   -> str: why no news is expected at this moment ("weekend"), or ""
"""
