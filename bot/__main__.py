"""`python -m bot` is `paperlark`."""

import gc
import os

# Pydantic would look through every installed package for plugins, of which nothing here makes use.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
gc.disable()  # of what is imported nothing is garbage; `main` goes on from here

from bot.cli import main  # noqa: E402

if __name__ == "__main__":
    main()
