"""`make bench`: every benchmark, one after the other. Each prints ratios measured in its own run."""

import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
ORDER = (
    "relevance.py",
    "matching.py",
    "compose.py",
    "letters.py",
    "digests.py",
    "delivery.py",
    "delivery_rows.py",
    "fetching.py",
    "web.py",
    "signups.py",
)


def main() -> None:
    failed = []
    for name in ORDER:
        if not (HERE / name).exists():
            continue
        print(f"\n=== {name} {'=' * (72 - len(name))}\n", flush=True)
        began = time.perf_counter()
        done = subprocess.run([sys.executable, str(HERE / name)], check=False)
        print(f"\n({name} took {time.perf_counter() - began:.0f} s)", flush=True)
        if done.returncode:
            failed.append(name)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
