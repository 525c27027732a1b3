"""Addresses that are asked for once more with other parameters: the next page of a list, another day of it."""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit


def with_parameters(url: str, **parameters: str) -> str:
    """The address with these parameters of its query set, whatever else it asks for kept."""
    parts = urlsplit(url)
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in parameters]
    return urlunsplit(parts._replace(query=urlencode([*kept, *parameters.items()])))
