"""TeX becomes readable Unicode, and what cannot be read stays as it stands."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.text.tex import readable


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"Andr\'e M\"uller", "André Müller"),
        (r"{\"o} \c{c} \v S \H{o} \'{\i} \~n \aa", "ö ç Š ő í ñ å"),
        (r"Bj{\o}rn \O stergaard, \L{}ukasz", "Bjørn Østergaard, Łukasz"),
        (r"$\alpha$-divergence and $\Lambda$CDM", "α-divergence and ΛCDM"),
        (r"$O(n^{2})$, $x_i$, H$_2$O", "O(n²), xᵢ, H₂O"),
        (r"$\leq 5\times10^{-3}$", "≤ 5×10⁻³"),
        (r"$\mathcal{O}(n \log n)$ in $\mathbb{R}^{d+1}$", "O(n log n) in ℝ^(d+1)"),
        (r"$\frac{1}{2}\sqrt{n+1}$", "1/2√(n+1)"),
        (r"\textbf{bold}, {\em emph} and \emph{both {\it of} them}", "bold, emph and both of them"),
        (r"``quoted'' 85.1\% \& more, pp. 3--4 --- and so on", "“quoted” 85.1% & more, pp. 3–4 — and so on"),
        (r"Fig.~1", "Fig. 1"),
        (r"for $p<q$ and $r>0$", "for p<q and r>0"),
        (r"\url{https://example.org/~me}", "https://example.org/~me"),
        (r"\(x^2\)", "x²"),
        (r"$\hat{y}_{t+1}$", "ŷₜ₊₁"),
    ],
)
def test_read(written: str, read: str) -> None:
    assert readable(written) == read


@pytest.mark.parametrize(
    "text",
    [
        "plain text",
        "$5 to $10",
        "cost $5K vs US$7",
        r"$\unknowncommand{x}$ stays",
        r"\foo{bar} stays",
        "a_b^c",
        "{x}",
        "the {B}ERT",
        "~50",
        "run --verbose",
        "$",
        "\\",
        "{",
        "$$",
        r"\c",
        "a {b",
        "nabla^2DFT",
        "-----",
    ],
)
def test_left_as_it_stands(text: str) -> None:
    assert readable(text) == text


@given(st.text(alphabet=r"\${}^_~`'-\"abc \frac 0", max_size=200))
def test_never_raises(text: str) -> None:
    assert isinstance(readable(text), str)


@pytest.mark.parametrize(
    "piece", ["{", "\\'", "$a", "{\\em ", "$x^", "\\textbf{", "\\frac", "-", "$\\frac{", "\\text{\\'"]
)
def test_linear_in_its_length(piece: str) -> None:
    started = time.perf_counter()
    readable(piece * 20_000)
    assert time.perf_counter() - started < 3
