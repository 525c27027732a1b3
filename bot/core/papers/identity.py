"""Canonical keys from every spelling of an identifier, an address or a title: "arxiv:2401.12345", "doi:10.1/x".

Keys only; whether two things that share a key are one paper is decided in `dedup`."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from bot.core.text.letters import SPELLED

# arXiv identifiers (https://info.arxiv.org/help/arxiv_identifier.html): YYMM.NNNN to 1412, YYMM.NNNNN from 1501 (six
# digits are foreseen), before 0704 archive/YYMMNNN with an optional subject class that does not tell papers apart.
_ARCHIVES = (
    "acc-phys|adap-org|alg-geom|ao-sci|astro-ph|atom-ph|bayes-an|chao-dyn|chem-ph|cmp-lg|comp-gas|cond-mat|cs|dg-ga|"
    "funct-an|gr-qc|hep-ex|hep-lat|hep-ph|hep-th|math-ph|math|mtrl-th|nlin|nucl-ex|nucl-th|patt-sol|physics|plasm-ph|"
    "q-alg|q-bio|quant-ph|solv-int|supr-con"
)
_SITES = (  # whose addresses are arXiv identifiers
    r"(?:[a-z0-9-]+\.)?arxiv\.org/(?:abs|pdf|html|format|e-print|ps|src|tb|cits)",
    r"xxx\.lanl\.gov/(?:abs|pdf)",
    r"ar5iv(?:\.labs\.arxiv)?\.org(?:/abs|/html)?",
    r"(?:huggingface|hf)\.co/(?:api/)?papers",
    r"alphaxiv\.org/(?:[a-z]{2}/)?(?:abs|pdf|html|overview|audio)",
    r"papers\.cool/arxiv",
    r"scirate\.com/arxiv",
    r"tldr\.takara\.ai/p",
)
_ARXIV = re.compile(
    r"(?:oai:arxiv\.org:|arxiv\s*:\s*|arxiv\.|(?:doi:\s*|(?:https?:)?//(?:dx\.|www\.)?doi\.org/)?10\.48550/arxiv\.|"
    rf"(?:(?:https?:)?//)?(?:www\.)?(?:{'|'.join(_SITES)})/)?"
    rf"(?:(?P<yymm>\d\d(?:0[1-9]|1[0-2]))\.(?P<number>\d{{4,6}})|(?P<archive>{_ARCHIVES})(?:\.[a-z-]{{2,}})?/"
    r"(?P<old>(?:9[1-9]|0[0-7])(?:0[1-9]|1[0-2])\d{3}))"
    r"(?:v(?P<version>[1-9]\d{0,2}))?(?:\.pdf|\.md)?/?(?:[?#].*)?(?:\s+\[[a-z.-]+\])?",
    re.IGNORECASE | re.DOTALL,
)
_SICI = r"<\d{1,6}:[^\s<>\"]{1,60}>"  # old DOIs hold pages in angle brackets (SICI)
_DOI = re.compile(
    r"(?:(?:urn\s*:\s*)?doi\s*[: ]\s*|info:doi/|(?:https?:)?//(?:dx\.|www\.)?doi\.org/|doi\.org/)?"
    rf"(10\.\d{{4,9}}(?:\.\d+)*/(?:[^\s<>\"]|{_SICI})+)",
    re.IGNORECASE,
)
_DOI_IN_ADDRESS = re.compile(
    r"(?:https?:)?//[^/?#]+(?:/[^?#]*?/|/[^?#]*\?(?:[^#]*&)?id=|/)"
    rf"(10\.\d{{4,9}}/(?:[^\s?#&<>\"]|{_SICI})+)",
    re.IGNORECASE,
)
_DOI_TAIL = re.compile(
    r"(?:[/.](?:full|abstract|meta|pdf|epdf|summary|full-text|full\.pdf|xml|short|html|article-info|references)){1,4}$",
    re.IGNORECASE,
)
_VERSION = re.compile(
    # Research Square, Preprints.org, ChemRxiv, Authorea, TechRxiv, figshare, the servers of OSF
    r"(10\.(?:21203|20944|26434|22541|36227|6084|31219|31234|31235|35542|31730)/.{1,150}?)[/._-]v\d{1,2}"
    r"|(10\.12688/[a-z0-9]{1,40}\.\d{1,9})\.\d{1,2}"  # F1000Research and its kin
)
_PMID = re.compile(
    r"(?:pmid\s*:\s*|pubmed:\s*|(?:https?:)?//(?:www\.)?(?:pubmed\.ncbi\.nlm\.nih\.gov|ncbi\.nlm\.nih\.gov/pubmed)/)"
    r"([1-9]\d{0,8})(?:[/?#].*)?",
    re.IGNORECASE | re.DOTALL,
)
_TRACKING = re.compile(
    r"utm_\w+|[a-z]{1,3}clid|mc_[ce]id|_hs\w+|igshid|mkt_tok|dgcid|rss|ref|ref_src|wt[._]\w+|at_(?:medium|campaign)|"
    r"cmpid|campaign_id|spm|ncid|trk",
    re.IGNORECASE,
)
SPACES = ("arxiv", "doi", "pmid", "url", "guid", "title")  # the kinds of keys, strongest first
MAX_IDENTIFIER = 2_000  # characters of a text looked at: an address is no longer
MAX_KEY = 200  # characters; what is longer ends in a digest


def arxiv_id(text: str) -> tuple[str, int | None] | None:
    """The arXiv identifier a text spells, without version and in canonical form, and the version if it names one.

    "arXiv:math.CA/0611800v2" -> ("math/0611800", 2). The whole text must be one identifier, address or DOI.
    """
    found = _ARXIV.fullmatch(text[:MAX_IDENTIFIER].strip())
    if not found:
        return None
    version = int(found["version"]) if found["version"] else None
    if found["old"]:
        return f"{found['archive'].lower()}/{found['old']}", version
    month, number = int(found["yymm"]), found["number"]
    if month < 704 or (len(number) == 4) != (month < 1501):
        return None
    return f"{found['yymm']}.{number}", version


def doi(text: str) -> str:
    """The bare DOI a text spells ("doi:10.1/X", a doi.org address, a publisher's address), in lower case, or ""."""
    if "10." not in text and "%" not in text:
        return ""
    text = text[:MAX_IDENTIFIER].strip()
    if "%" in text and re.search("%(?:2f|3c)", text, re.IGNORECASE):
        text = unquote(text)
    found = _DOI.fullmatch(text) or _DOI_IN_ADDRESS.match(text)
    if not found:
        return ""
    bare = found[1].rstrip(".,;:'/")
    if found.re is _DOI_IN_ADDRESS:
        bare = _DOI_TAIL.sub("", bare)
    elif "?" in bare and "doi.org/" in text.lower():
        bare = bare.split("?")[0]
    while bare.endswith((")", "]")) and bare.count(bare[-1]) > bare.count("(" if bare[-1] == ")" else "["):
        bare = bare[:-1]
    bare = bare.lower()
    if bare.startswith(("10.1101/", "10.64898/")):  # bioRxiv and medRxiv append the version to addresses
        bare = re.sub(r"v\d{1,2}(?:\.[a-z][a-z.-]{1,40})?$", "", bare)  # "…v3.supplementary-material"
    return bare if len(bare) > bare.index("/") + 1 else ""


def unversioned(doi: str) -> str:
    """The DOI of the work where this is the one of a version of it, as some preprint servers register them; else the
    DOI as it is."""
    found = _VERSION.fullmatch(doi)
    return (found[1] or found[2]) if found else doi


def published_doi(doi: str) -> str:
    """The DOI; "" for one of arXiv's own, which says no more than the paper's number there."""
    return "" if doi.startswith("10.48550/arxiv.") else doi


def pmid(text: str) -> str:
    """The PubMed number a text spells ("pmid:123", an address of PubMed), or ""."""
    found = _PMID.fullmatch(text[:MAX_IDENTIFIER].strip())
    return found[1] if found else ""


@lru_cache(maxsize=1024)  # one link is asked about several times while its entry is read
def canonical_url(text: str) -> str:
    """One spelling for every address of a page, or "" for what is no http(s) address.

    Scheme, "www.", default ports, fragment, tracking parameters, order of parameters, percent-encoding and a final
    slash do not tell pages apart.
    """
    try:
        parts = urlsplit(text[:MAX_IDENTIFIER].strip())
        host = (parts.hostname or "").rstrip(".").removeprefix("www.")
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme.lower() not in {"http", "https"} or not host:
        return ""
    if port not in {None, 80, 443}:
        host = f"{host}:{port}"
    path = quote(unquote(parts.path), safe="/:@!$&'()*+,;=~-._").rstrip("/")
    pairs = sorted(
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True, max_num_fields=None)
        if not _TRACKING.fullmatch(name) and not (name == "af" and value == "R") and not value.startswith("rss-")
    )
    return f"https://{host}{path}" + (f"?{urlencode(pairs)}" if pairs else "")


# Titles that many different texts have. They never make one paper of two.
_GENERIC = re.compile(
    r"(?:the)?(?:editors?|guest|publishers?|authors?|letters?|presidents?)*(?:introduction|editorials?|corrections?|corrigend(?:um|a)|errat(?:um|a)|"
    r"preface|foreword|prologue|epilogue|afterword|contents|tableofcontents|abstracts?|index|masthead|frontmatter|backmatter|"
    r"frontcover|backcover|cover(?:image|picture|page|story)?|(?:issue|journal|author|subscription|publication)information|"
    r"informationforauthors|inthisissue|announcements?|news|newsinbrief|obituary|reply|response|comments?|commentary|"
    r"discussion|conclusions?|summary|overview|review|bookreviews?|letters?|lettertotheeditor|note|notes|untitled|"
    r"notitle|title|home|welcome|update|highlights|perspectives?|acknowledg(?:e)?ments?(?:toreviewers|ofreviewers)?|retraction(?:notice)?|"
    r"expressionofconcern|notice|supplement(?:arymaterial)?|appendix|proceedings|program|calendar|editorialboard|"
    r"issuepublicationinformation|thankyou|test|helloworld|editorial?introduction|introductiontothespecialissue|"
    r"specialissue|calltoaction|callforpapers|weeklydigest|linksoftheweek|openthread|imageoftheweek|withdrawn|withdrawal|removed)"
    r"(?:\d*|[ivx]*)"
)


_NO_LETTER = re.compile(r"[^a-z0-9]+")


def folded(title: str) -> str:
    """A title's letters and digits, without case and accents, Greek letters by name, ł as l: what survives every
    re-typing of it."""
    if title.isascii():  # most are, and every listing's is folded
        return _NO_LETTER.sub("", title[:4_000].lower())
    decomposed = unicodedata.normalize("NFKD", title[:4_000]).casefold().translate(SPELLED)
    return "".join(char for char in decomposed if char.isalnum())


def generic(title: str) -> bool:
    """Whether the title says nothing: "Introduction", "Editorial", "Correction"."""
    return _GENERIC.fullmatch(folded(title)) is not None


def title_key(title: str) -> str:
    """The weakest identity: "title:" and the folded title; "" if nothing is left of it."""
    text = folded(title)
    return _bounded(f"title:{text}") if text else ""


def space(key: str) -> str:
    """The kind of a key: what stands before its first colon."""
    return key.partition(":")[0]


def is_weak(key: str) -> bool:
    """Whether a key alone does not make two things one paper: a title that somebody else may have used too."""
    return key.startswith("title:") and "~" not in key


def address_key(text: str) -> str:
    """The key of a page's address; "" for what is none, or names a paper by a number of arXiv, PubMed or a DOI."""
    address = canonical_url(text)
    if not address or arxiv_id(text) or pmid(text) or re.match(r"https://(?:dx\.)?doi\.org/", address):
        return ""
    return _bounded(f"url:{address}")


def guid_key(source: str, guid: str) -> str:
    """The key of an entry's own identifier, which means something only within its source (RSS 2.0, `guid`)."""
    return _bounded(f"guid:{source}:{guid[:MAX_IDENTIFIER].strip()}")


def distinct(key: str, *features: object) -> str:
    """A key for what shares a title key but is another paper: that key and a digest of what tells it apart."""
    return f"{key[: MAX_KEY - 11]}~{_digest(repr(features))[:10]}"


def keys_for(
    title: str, *, identifiers: Iterable[str] = (), url: str = "", abstract: str = "", features: Iterable[object] = ()
) -> tuple[str, ...]:
    """All identities of a listing, strongest first: arxiv:, doi:, pmid:, url:, and the title key last.

    `identifiers` are any spellings of identifiers: ids, DOIs, links, guids; what is none is passed over. A title that
    says nothing gets a key of its own from the abstract and `features`, so that it never merges by title.
    """
    strong: dict[str, dict[str, None]] = {"arxiv": {}, "doi": {}, "pmid": {}}  # each in the order given
    for text in (*identifiers, url):
        if arxiv := arxiv_id(text):
            strong["arxiv"][arxiv[0]] = None
        elif number := pmid(text):
            strong["pmid"][number] = None
        elif name := doi(text):
            strong["doi"][unversioned(name)] = None
            strong["doi"][name] = None
    keys = [_bounded(f"{space}:{name}") for space, names in strong.items() for name in names]
    if address := address_key(url):
        keys.append(address)
    if last := title_key(title):
        keys.append(distinct(last, abstract, *features) if generic(title) else last)
    elif not keys:
        keys.append(distinct("title:", title, abstract, *features))
    return tuple(keys)


def _bounded(key: str) -> str:
    return key if len(key) <= MAX_KEY else f"{key[: MAX_KEY - 17]}~{_digest(key)[:16]}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
