"""`python -m bot` is `paperlark`."""

from bot.cli import main

main()
