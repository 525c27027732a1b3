"""arXiv's categories as of 2026 (https://arxiv.org/category_taxonomy), to tell a typing mistake from a category. arXiv
adds some now and then, so that one we do not know is doubted, not refused."""

from collections.abc import Iterator
from difflib import get_close_matches

_SUBJECTS = {
    "astro-ph": "CO EP GA HE IM SR",
    "cond-mat": "dis-nn mes-hall mtrl-sci other quant-gas soft stat-mech str-el supr-con",
    "cs": "AI AR CC CE CG CL CR CV CY DB DC DL DM DS ET FL GL GR GT HC IR IT LG LO MA MM MS NA NE NI OH OS PF PL RO SC "
    "SD SE SI SY",
    "econ": "EM GN TH",
    "eess": "AS IV SP SY",
    "gr-qc": "",
    "hep-ex": "",
    "hep-lat": "",
    "hep-ph": "",
    "hep-th": "",
    "math": "AC AG AP AT CA CO CT CV DG DS FA GM GN GR GT HO IT KT LO MG MP NA NT OA OC PR QA RA RT SG SP ST",
    "math-ph": "",
    "nlin": "AO CD CG PS SI",
    "nucl-ex": "",
    "nucl-th": "",
    "physics": "acc-ph ao-ph app-ph atm-clus atom-ph bio-ph chem-ph class-ph comp-ph data-an ed-ph flu-dyn gen-ph "
    "geo-ph hist-ph ins-det med-ph optics plasm-ph pop-ph soc-ph space-ph",
    "q-bio": "BM CB GN MN NC OT PE QM SC TO",
    "q-fin": "CP EC GN MF PM PR RM ST TR",
    "quant-ph": "",
    "stat": "AP CO ME ML OT TH",
}
ARCHIVES = frozenset(_SUBJECTS)
_KNOWN = {f"{archive}.{subject}" for archive, subjects in _SUBJECTS.items() for subject in subjects.split()}


def doubts(categories: tuple[str, ...]) -> Iterator[str]:
    """What to ask of whoever wrote these categories."""
    folded = {name.casefold(): name for name in _KNOWN}
    for name in categories:
        archive, dot, _ = name.casefold().partition(".")
        if dot and name.casefold() not in folded:
            near = get_close_matches(
                name.casefold(), [one for one in folded if one.startswith(f"{archive}.")], n=1, cutoff=0.85
            )
            listed = _SUBJECTS.get(archive, "").replace(" ", ", ")
            hint = f'did you mean "{folded[near[0]]}"?' if near else f"{archive} has {listed or 'no subjects'}"
            yield f'arXiv has no category "{name}" that we know; {hint}'
