"""`python -m bot` is `paperlark`."""

import gc

gc.disable()  # of what is imported nothing is garbage; `main` goes on from here

from bot.cli import main  # noqa: E402

if __name__ == "__main__":
    main()
