"""What TeX's commands mean in Unicode: the tables of `tex`, and nothing else."""


def _pairs(text: str) -> dict[str, str]:
    words = text.split()
    return dict(zip(words[::2], words[1::2], strict=True))


# Accents over the letter that follows, as combining characters.
ACCENTS = {
    "'": "\u0301", "`": "\u0300", "^": "\u0302", '"': "\u0308", "~": "\u0303", "=": "\u0304", ".": "\u0307",
    "c": "\u0327", "v": "\u030c", "u": "\u0306", "H": "\u030b", "k": "\u0328", "r": "\u030a", "d": "\u0323",
    "b": "\u0331", "t": "\u0361",
}  # fmt: skip
MATH_ACCENTS = {
    "hat": "\u0302", "widehat": "\u0302", "tilde": "\u0303", "widetilde": "\u0303", "bar": "\u0304",
    "overline": "\u0305", "vec": "\u20d7", "dot": "\u0307", "ddot": "\u0308", "check": "\u030c", "breve": "\u0306",
    "acute": "\u0301", "grave": "\u0300", "underline": "\u0332", "mathring": "\u030a",
}  # fmt: skip
LETTERS = _pairs("ss ß ae æ AE Æ oe œ OE Œ aa å AA Å o ø O Ø l ł L Ł i ı j ȷ dh ð DH Ð dj đ DJ Đ th þ TH Þ ng ŋ NG Ŋ")
TEXT = _pairs(
    "ldots … dots … textellipsis … textendash – textemdash — LaTeX LaTeX TeX TeX S § P ¶ pounds £ euro € texteuro € "
    "copyright © texttrademark ™ textregistered ® textdegree ° textbackslash \\ textasciitilde ~ textquotedblleft “ "
    "textquotedblright ” textquoteleft ‘ textquoteright ’ textbullet • textless < textgreater > textmu µ slash / "
    "texttimes × textpm ± textquotesingle ' guillemotleft « guillemotright » dag † ddag ‡ texttildelow ~ textbar | "
    "textasciicircum ^ textperiodcentered · textonehalf ½ textrightarrow → textleftarrow ← textregistered ® "
    "textdollar $ textpercent % lq ‘ rq ’ item • celsius ℃"
) | {"newline": " ", "par": " ", "quad": " ", "qquad": " ", "noindent": "", "textunderscore": "_", "xspace": ""}
# Commands whose argument is the text to show.
TEXT_COMMANDS = frozenset(
    """textbf textit emph textsc texttt textrm textsf textsl textnormal textup textmd text mbox hbox fbox underline
    uline url href mathrm mathbf mathit mathsf mathtt mathcal enquote textcolor colorbox sout st hl uwave lowercase
    MakeUppercase texorpdfstring Large large LARGE huge small footnotesize normalsize scriptsize tiny""".split()
)
SECOND_ARGUMENT = frozenset({"href", "textcolor", "colorbox"})  # of these the second argument is the text to show
# Commands that show nothing where they stand, with their arguments: references, space, colours.
HIDDEN = frozenset(
    """cite citep citet citealt citealp citeauthor citeyear citeyearpar parencite textcite autocite footcite nocite ref
    eqref autoref cref Cref pageref label footnote footnotemark thanks vspace hspace color index todo begin end
    vskip hskip bigskip medskip smallskip centering protect""".split()
)
SIZES = frozenset("Large large LARGE huge Huge small footnotesize normalsize scriptsize tiny".split())
# siunitx (https://ctan.org/pkg/siunitx): prefixes and units as they are spelled there.
UNITS = _pairs(
    "kilo k mega M giga G tera T peta P centi c milli m micro µ nano n pico p femto f deci d hecto h meter m metre m "
    "gram g second s hertz Hz electronvolt eV eV eV volt V watt W kelvin K celsius °C degreeCelsius °C pascal Pa "
    "newton N joule J ampere A tesla T ohm Ω farad F henry H mole mol candela cd liter L litre L minute min hour h "
    "day d percent % degree ° arcsecond ″ arcminute ′ bar bar parsec pc astronomicalunit au tonne t hectare ha "
    "becquerel Bq gray Gy sievert Sv lumen lm weber Wb barn b decibel dB bit bit byte B angstrom Å per / "
    "squared ² cubed ³ square ² cubic ³"
)
FONTS = frozenset(
    """mathcal mathbb Bbb mathds mathbbm mathrm mathbf mathit mathsf mathtt mathfrak mathscr bm boldsymbol pmb
    mathnormal mathop mathrel mathbin mathord ensuremath mathclap mathllap mathrlap smash underbrace overbrace
    overrightarrow overleftarrow boxed""".split()
)
DROPPED = frozenset(
    """left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr rm bf it cal sf tt displaystyle
    textstyle scriptstyle limits nolimits mathstrut rmfamily em sl""".split()
)
FUNCTIONS = frozenset(
    """log ln lg exp sin cos tan cot sec csc sinh cosh tanh arcsin arccos arctan max min sup inf lim limsup liminf arg
    argmax argmin det dim ker deg gcd lcm Pr hom mod bmod Tr tr rank diag sgn sign span supp Var Cov coth arccot
    projlim injlim""".split()
)
DOUBLE_STRUCK = _pairs("C ℂ H ℍ N ℕ P ℙ Q ℚ R ℝ Z ℤ E 𝔼 1 𝟙 F 𝔽 S 𝕊 T 𝕋 D 𝔻")
SYMBOLS = _pairs(
    "alpha α beta β gamma γ delta δ epsilon ϵ varepsilon ε zeta ζ eta η theta θ vartheta ϑ iota ι kappa κ lambda λ "
    "mu μ nu ν xi ξ pi π varpi ϖ rho ρ varrho ϱ sigma σ varsigma ς tau τ upsilon υ phi φ varphi φ chi χ psi ψ omega ω "
    "Gamma Γ Delta Δ Theta Θ Lambda Λ Xi Ξ Pi Π Sigma Σ Upsilon Υ Phi Φ Psi Ψ Omega Ω "
    "leq ≤ le ≤ leqslant ≤ geq ≥ ge ≥ geqslant ≥ neq ≠ ne ≠ ll ≪ gg ≫ lesssim ≲ gtrsim ≳ approx ≈ sim ∼ simeq ≃ cong ≅ "
    "equiv ≡ propto ∝ prec ≺ succ ≻ preceq ⪯ succeq ⪰ asymp ≍ doteq ≐ triangleq ≜ "
    "times × div ÷ pm ± mp ∓ cdot · ast ∗ star ⋆ circ ∘ bullet • oplus ⊕ otimes ⊗ odot ⊙ ominus ⊖ wedge ∧ land ∧ vee ∨ "
    "lor ∨ cap ∩ cup ∪ setminus ∖ sqcup ⊔ sqcap ⊓ dagger † ddagger ‡ neg ¬ lnot ¬ "
    "in ∈ notin ∉ ni ∋ subset ⊂ subseteq ⊆ subsetneq ⊊ supset ⊃ supseteq ⊇ emptyset ∅ varnothing ∅ forall ∀ exists ∃ "
    "nexists ∄ infty ∞ partial ∂ nabla ∇ sum ∑ prod ∏ coprod ∐ int ∫ iint ∬ oint ∮ ell ℓ hbar ℏ Re ℜ Im ℑ aleph ℵ wp ℘ "
    "to → rightarrow → longrightarrow → leftarrow ← gets ← leftrightarrow ↔ Rightarrow ⇒ implies ⇒ Leftarrow ⇐ "
    "Leftrightarrow ⇔ iff ⇔ mapsto ↦ hookrightarrow ↪ uparrow ↑ downarrow ↓ rightleftharpoons ⇌ leadsto ⇝ "
    "langle ⟨ rangle ⟩ lfloor ⌊ rfloor ⌋ lceil ⌈ rceil ⌉ lvert | rvert | vert | lVert ‖ rVert ‖ Vert ‖ mid | "
    "parallel ∥ perp ⊥ bot ⊥ top ⊤ angle ∠ triangle △ square □ Box □ blacksquare ■ diamond ⋄ prime ′ degree ° "
    "Longrightarrow ⟹ Longleftarrow ⟸ Longleftrightarrow ⟺ longmapsto ⟼ longleftarrow ⟵ longleftrightarrow ⟷ nearrow ↗ "
    "searrow ↘ swarrow ↙ nwarrow ↖ updownarrow ↕ Uparrow ⇑ Downarrow ⇓ Updownarrow ⇕ rightharpoonup ⇀ leftharpoonup ↼ "
    "twoheadrightarrow ↠ hookleftarrow ↩ rightsquigarrow ⇝ rightarrowtail ↣ circlearrowleft ↺ circlearrowright ↻ "
    "multimap ⊸ vDash ⊨ Vdash ⊩ dashv ⊣ nmid ∤ nparallel ∦ lhd ◁ rhd ▷ unlhd ⊴ unrhd ⊵ triangleleft ◃ triangleright ▹ "
    "bowtie ⋈ Join ⋈ amalg ⨿ wr ≀ bigcirc ◯ lozenge ◊ Diamond ◇ clubsuit ♣ heartsuit ♥ spadesuit ♠ diamondsuit ♦ "
    "natural ♮ flat ♭ sharp ♯ sqsubset ⊏ sqsupset ⊐ sqsubseteq ⊑ sqsupseteq ⊒ supsetneq ⊋ nsubseteq ⊈ nsupseteq ⊉ "
    "nleq ≰ ngeq ≱ nless ≮ ngtr ≯ lneq ⪇ gneq ⪈ ncong ≇ nsim ≁ eqsim ≂ approxeq ≊ lessapprox ⪅ gtrapprox ⪆ lessgtr ≶ "
    "preccurlyeq ≼ succcurlyeq ≽ precsim ≾ succsim ≿ lll ⋘ ggg ⋙ coloneqq ≔ eqqcolon ≕ complement ∁ ltimes ⋉ rtimes ⋊ "
    "boxtimes ⊠ boxplus ⊞ boxdot ⊡ bigoplus ⨁ bigotimes ⨂ bigcup ⋃ bigcap ⋂ bigwedge ⋀ bigvee ⋁ biguplus ⨄ bigsqcup ⨆ "
    "uplus ⊎ iiint ∭ imath ı jmath ȷ eth ð beth ℶ gimel ℷ digamma ϝ varkappa ϰ hslash ℏ mho ℧ AA Å dotsc … dotsb ⋯ "
    "dotsm ⋯ dotsi ⋯ dotso … cdotp · ldotp . lbrack [ rbrack ] surd √ sphericalangle ∢ measuredangle ∡ backprime ‵ "
    "bigstar ★ blacktriangle ▲ blacktriangleright ▶ oslash ⊘ circledast ⊛ dotplus ∔ veebar ⊻ barwedge ⊼ smile ⌣ "
    "frown ⌢ upharpoonright ↾ restriction ↾ varpropto ∝ thicksim ∼ thickapprox ≈ eqcirc ≖ circeq ≗ between ≬ "
    "vartriangle △ triangledown ▽ nRightarrow ⇏ nrightarrow ↛ nleftarrow ↚ nvdash ⊬ nvDash ⊭ euro € pounds £ percent % "
    "therefore ∴ because ∵ ldots … dots … cdots ⋯ vdots ⋮ ddots ⋱ models ⊨ vdash ⊢ odot ⊙ "
    "sun ☉ backslash \\ lbrace { rbrace } checkmark ✓ copyright © S § colon : textendash – micro µ"
) | {"quad": " ", "qquad": " ", "space": " ", "thinspace": " ", "xspace": "", "enspace": " "}
_UP = "0⁰ 1¹ 2² 3³ 4⁴ 5⁵ 6⁶ 7⁷ 8⁸ 9⁹ +⁺ -⁻ −⁻ =⁼ (⁽ )⁾ nⁿ iⁱ Tᵀ ⊤ᵀ †† ‡‡ ∗* ⋆*"
_DOWN = "0₀ 1₁ 2₂ 3₃ 4₄ 5₅ 6₆ 7₇ 8₈ 9₉ +₊ -₋ =₌ (₍ )₎ aₐ eₑ hₕ iᵢ jⱼ kₖ lₗ mₘ nₙ oₒ pₚ rᵣ sₛ tₜ uᵤ vᵥ xₓ"
SCRIPTS = {"^": {pair[0]: pair[1] for pair in _UP.split()}, "_": {pair[0]: pair[1] for pair in _DOWN.split()}}
