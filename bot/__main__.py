"""`python -m bot` is `paperlark`."""

import gc

# Of what is imported, read and composed nearly all lives on: looking through it for garbage again and again, as Python
# does by default, takes a tenth of a short run's time.
gc.set_threshold(50_000, 20, 50)

from bot.cli import main  # noqa: E402

if __name__ == "__main__":
    main()
