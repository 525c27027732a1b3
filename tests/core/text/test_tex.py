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
        (r"$\binom{n}{k}$ and $\sqrt[3]{n}$", "(n choose k) and ³√n"),
        (r"$x\not\in A$, $a\not= b$", "x∉A, a≠ b"),
        (r"$|\psi\rangle=\ket{0}+\bra{1}$", "|ψ⟩=|0⟩+⟨1|"),
        (r"$f\overset{d}{\to}g$, $X\xrightarrow{f}Y$", "f→^dg, X→^fY"),
        (r"$\underbrace{a+b}_{c}$, $\overrightarrow{AB}$", "a+b_c, AB"),
        (r"$a \equiv b \pmod{n}$", "a ≡ b (mod n)"),
        (r"$\mathds{1}$ and \mathbb{R} and \sqrt{3}", "1 and ℝ and √3"),
        (r"$n\times m$, $O(n\log n)$, $\frac{\partial f}{\partial x}$", "n×m, O(n log n), (∂f)/(∂x)"),
        (r"$x^{(t)}$, $\ensuremath{\alpha}$, $3500 \r{A}$", "x^(t), α, 3500 Å"),
        (r"$7.5 - 8.0$ and $0.04^{+0.02}_{-0.02}$", "7.5 - 8.0 and 0.04^(+0.02)_(-0.02)"),
        (r"$M_{\rmgas}$", "M_gas"),
        (r"$A \Longrightarrow B \longmapsto C$", "A ⟹ B ⟼ C"),
        (r"x^{2}, 10^{-3}, x_{i} but a_b", "x², 10⁻³, xᵢ but a_b"),
        (r"\SI{5}{\kilo\meter}, $\SI{1.5e-3}{\meter\per\second}$, \num{2e5}", "5\u2009km, 1.5×10⁻³ m/s, 2×10⁵"),
        (r"\ce{H2O}, $\ce{SO4^2-}$, \ce{2H2 + O2 -> 2H2O}", "H₂O, SO₄²⁻, 2H₂ + O₂ → 2H₂O"),
        (r"as shown \cite[p.~3]{lark} in \ref{fig}\footnote{so}.", "as shown in."),
        (r"\textcolor{red}{red} \color{blue} blue \sout{out} \large{big} \small small", "red blue out big small"),
        (r"\begin{itemize}\item One \item Two\end{itemize}", "• One • Two"),
        (r"\textsuperscript{3}He, CO\textsubscript{2}", "³He, CO₂"),
        (r"\texorpdfstring{$\alpha$}{alpha} decay", "alpha decay"),
        (r"5 \texttimes 3 \textpm 1 \dag", "5 × 3 ± 1 †"),
        (r"`single' and ''double''", "‘single’ and “double”"),
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
        "$5-$10 million",
        "between $1.5B and $2B",
        "$HOME/.bashrc and $PATH",
        "C:\\new\\table",
        r"\d+\s*",
        "snake_case_name",
        "`code` and `more`",
        "the users' data and others' data",
        "rock 'n' roll",
        "5' 10''",
        "{x: 1, y: 2}",
        "f'{name}'",
        "${var}",
        "x^2+y^2 and ^_^",
        "-----",
    ],
)
def test_left_as_it_stands(text: str) -> None:
    assert readable(text) == text


@given(st.text(alphabet=r"\${}^_~`'-\"abc \frac 0", max_size=200))
def test_never_raises(text: str) -> None:
    assert isinstance(readable(text), str)


@pytest.mark.parametrize(
    "piece",
    [
        "{",
        "\\'",
        "$a",
        "{\\em ",
        "$x^",
        "\\textbf{",
        "\\frac",
        "-",
        "$\\frac{",
        "\\text{\\'",
        "`a",
        "x^{",
        "\\cite[",
        "\\SI{",
        "$\\not",
    ],
)
def test_linear_in_its_length(piece: str) -> None:
    started = time.perf_counter()
    readable(piece * 20_000)
    assert time.perf_counter() - started < 3
