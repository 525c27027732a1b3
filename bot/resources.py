"""Where the files that travel with the program are: templates, examples, the example configuration."""

from pathlib import Path


def shipped(name: str) -> Path:
    """The path of a file or folder shipped with Paperlark, in a checkout as in an installed wheel."""
    here = Path(__file__).parent
    packaged = here / "shipped" / name
    return packaged if packaged.exists() else here.parent / name
