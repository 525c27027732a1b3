"""Paperlark: the research papers that trend, and the ones you care about, in your inbox."""

__version__ = "0.1.0"
