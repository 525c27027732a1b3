"""Names of people, as feeds and databases write them."""

import time

import pytest

from bot.sources.formats import names


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("Ada Example, Björn Muster and Li Sample", ("Ada Example", "Björn Muster", "Li Sample")),
        ("Wright, K. M.; Coop, G.", ("K. M. Wright", "G. Coop")),
        ("Kumar, V. G., Dutta, S., Talwar, S.", ("V. G. Kumar", "S. Dutta", "S. Talwar")),
        ("ada@example.org (Ada Example)", ("Ada Example",)),
        ("Example, Ada", ("Ada Example",)),
        ("AWS Editor", ("AWS Editor",)),
        ("ada@example.org", ()),
        ("García J, Balao F, et al.", ("J García", "F Balao")),
        ("de Souza AB, Lewis G, da Silva M.", ("AB de Souza", "G Lewis", "M da Silva")),
        ("Brandt A.", ("A. Brandt",)),
        ("Brandão S", ("S Brandão",)),
        ("Serre J.-P.", ("J.-P. Serre",)),
        ("MacMullen,, L. E.", ("L. E. MacMullen",)),
        ("Österberg, Ö., de la Cruz, Å. B., and Li, M.", ("Ö. Österberg", "Å. B. de la Cruz", "M. Li")),
        ("Example, Ada and Muster, Björn", ("Ada Example", "Björn Muster")),
        ("Smith, John, Jr.", ("John Smith Jr.",)),
        ("Ada Example, Jr., Björn Muster III", ("Ada Example Jr.", "Björn Muster III")),
        ("ada@example.org (Ada Example), b@example.org (Björn Muster)", ("Ada Example", "Björn Muster")),
        ("Sample AI", ("Sample AI",)),
        ("张三;李四", ("张三", "李四")),
        ("Ada Example et al.", ("Ada Example",)),
        ("The Lark Collaboration.", ("The Lark Collaboration",)),
        ("editor@journal.science (Ada Example)", ("Ada Example",)),
        ("Ada Example <ada@lark.museum>", ("Ada Example",)),
        ("desk@lark.institute", ()),
        ("Ada Example (Lark Institute), Björn Muster (Finch University)", ("Ada Example", "Björn Muster")),
        ("Ada Example1,2*, Björn Muster3, Li Sample†", ("Ada Example", "Björn Muster", "Li Sample")),
        ("Ada Example, MD, PhD", ("Ada Example MD PhD",)),
        ("MUSTER A.; LI B.", ("A. MUSTER", "B. LI")),
        ("李强, 王芳", ("李强", "王芳")),
        ("J. R. R. Example", ("J. R. R. Example",)),
        ("lark42", ("lark42",)),
        ("null", ()),
        ("admin", ()),
    ],
)
def test_people(text: str, people: tuple[str, ...]) -> None:
    assert names.people(text) == people


@pytest.mark.parametrize(
    "piece", ["a", "A, ", "A. ", "a@", "(", "a.b", "@", "A", "a.b@", "a1,", "A*", " and ", ", ", "a, b and "]
)
def test_linear_in_its_length(piece: str) -> None:
    started = time.process_time()
    names.people(piece * 200_000)
    assert time.process_time() - started < 1
