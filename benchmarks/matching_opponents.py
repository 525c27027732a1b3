"""What else one could match profiles with. Each gets the papers' words folded as ours are, and answers in full.

An engine has `build(profiles)`, not counted as matching, and `match(papers)`, which takes texts and gives pairs. Those
marked `terms only` find no phrases by themselves: their texts are scanned by pyahocorasick first. The packages stand in
requirements.txt; one that is missing is left out.
"""

import sqlite3
from collections.abc import Iterator

import numpy as np
from matching_corpus import Profiles

from bot.core.papers import Paper
from bot.core.query.plurals import singular
from bot.core.query.words import words

Pairs = Iterator[tuple[int, "np.ndarray[tuple[int], np.dtype[np.int64]]"]]  # paper, profiles


def folded(text: str) -> str:
    """A text's words without plurals and marks, as every opponent gets them."""
    return " ".join(singular(word) for word in words(text))


class FullText:
    """SQLite FTS5 in memory, one query for every profile: what one would write first."""

    name = "sqlite fts5, a query per profile"

    def build(self, profiles: Profiles) -> None:
        def spelled(i: int) -> str:
            a, b, c, d, e = (f'"{folded(profiles.terms[j])}"' for j in profiles.chosen[i].tolist())
            if profiles.kind[i] == 1:
                return f"({a} AND {b}) OR {c} OR {d} OR {e}"
            return f"({a} OR {b} OR {c} OR {d}) NOT {e}" if profiles.kind[i] == 2 else " OR ".join((a, b, c, d, e))

        self.queries = [spelled(i) for i in range(len(profiles.kind))]

    def match(self, papers: list[Paper]) -> Pairs:
        database = sqlite3.connect(":memory:")
        database.execute("create virtual table paper using fts5(title, abstract, content='')")
        rows = [(i, folded(paper.title), folded(paper.abstract)) for i, paper in enumerate(papers)]
        database.executemany("insert into paper(rowid, title, abstract) values (?, ?, ?)", rows)
        database.execute("insert into paper(paper) values ('optimize')")
        found: list[list[int]] = [[] for _ in papers]
        for number, query in enumerate(self.queries):
            for (paper,) in database.execute("select rowid from paper where paper match ?", (query,)):
                found[paper].append(number)
        for paper, numbers in enumerate(found):
            yield paper, np.array(numbers, np.int64)


class Terms:
    """Finds which terms are in a paper, with pyahocorasick."""

    def __init__(self, profiles: Profiles) -> None:
        import ahocorasick

        self.automaton = ahocorasick.Automaton(ahocorasick.STORE_INTS)
        for number, term in enumerate(profiles.terms):
            self.automaton.add_word(f" {folded(term)} ", number)
        self.automaton.make_automaton()

    def found(self, papers: list[Paper]) -> Iterator[tuple[int, set[int]]]:
        for i, paper in enumerate(papers):
            texts = (f" {folded(paper.title)} ", f" {folded(paper.abstract)} ")
            yield i, {number for text in texts for _, number in self.automaton.iter(text)}


class Sets:
    """pyahocorasick, then Python sets of profiles; what has AND or NOT is looked at again."""

    name = "pyahocorasick + sets"

    def build(self, profiles: Profiles) -> None:
        self.terms, self.profiles = Terms(profiles), profiles
        self.any: list[list[int]] = [[] for _ in profiles.terms]
        self.look: list[list[int]] = [[] for _ in profiles.terms]
        kinds = profiles.kind.tolist()
        for number, chosen in enumerate(profiles.chosen.tolist()):
            for place, term in enumerate(chosen):
                if kinds[number] == 0 or (kinds[number] == 1 and place > 1):
                    self.any[term].append(number)
                elif kinds[number] == 1 or place < 4:
                    self.look[term].append(number)

    def residual(self, present: set[int]) -> set[int]:
        chosen, kinds = self.profiles.chosen, self.profiles.kind
        asked = np.array(sorted({n for term in present for n in self.look[term]}), np.int64)
        held = np.isin(chosen[asked], np.fromiter(present, np.int64, len(present)))
        true = np.where(kinds[asked] == 1, held[:, 0] & held[:, 1], ~held[:, 4])
        return set(asked[true].tolist())

    def match(self, papers: list[Paper]) -> Pairs:
        for paper, present in self.terms.found(papers):
            found = self.residual(present)
            for term in present:
                found.update(self.any[term])
            yield paper, np.fromiter(found, np.int64, len(found))


class Roaring(Sets):
    """The same with compressed bitmaps instead of sets."""

    name = "pyahocorasick + pyroaring"

    def build(self, profiles: Profiles) -> None:
        from pyroaring import BitMap

        super().build(profiles)
        self.maps = [BitMap(numbers) for numbers in self.any]
        self.any = []

    def match(self, papers: list[Paper]) -> Pairs:
        from pyroaring import BitMap

        for paper, present in self.terms.found(papers):
            found = BitMap.union(BitMap(self.residual(present)), *(self.maps[term] for term in present))
            yield paper, np.array(found, np.int64)


class Mokaccino:
    """A percolator in Rust; terms only."""

    name = "mokaccino (terms found for it)"

    def build(self, profiles: Profiles) -> None:
        import mokaccino

        self.package, self.terms = mokaccino, Terms(profiles)
        self.percolator = mokaccino.Percolator()
        query = mokaccino.Query
        known = [query.from_kv("t", str(i)) for i in range(len(profiles.terms))]
        for number, (chosen, kind) in enumerate(zip(profiles.chosen.tolist(), profiles.kind.tolist(), strict=True)):
            parts = [known[i] for i in chosen]
            if kind == 1:
                asked = query.from_or([query.from_and(parts[:2]), *parts[2:]])
            elif kind == 2:
                asked = query.from_and([query.from_or(parts[:4]), query.from_not(parts[4])])
            else:
                asked = query.from_or(parts)
            self.percolator.add_query_id(asked, number)

    def match(self, papers: list[Paper]) -> Pairs:
        for paper, present in self.terms.found(papers):
            document = self.package.Document()
            for term in present:
                document.add_value("t", str(term))
            yield paper, np.asarray(self.percolator.percolate_list(document), np.int64)


class Perq:
    """A percolator in Python; terms only, and NOT is looked at again for it, which it does not know."""

    name = "perq (terms found for it)"

    def build(self, profiles: Profiles) -> None:
        import perq

        self.package, self.terms, self.profiles = perq, Terms(profiles), profiles
        asked = []
        for number, (chosen, kind) in enumerate(zip(profiles.chosen.tolist(), profiles.kind.tolist(), strict=True)):
            t = [str(i) for i in chosen]
            clauses = [(t[0], *t[2:]), (t[1], *t[2:])] if kind == 1 else [tuple(t[:4] if kind == 2 else t)]
            asked.append(perq.Query(number, clauses))
        store = perq.MemoryStore()
        perq.index(asked, store)
        self.matcher = perq.QueryMatcher(store)

    def match(self, papers: list[Paper]) -> Pairs:
        excluded = np.where(self.profiles.kind == 2, self.profiles.chosen[:, 4], -1)
        for paper, present in self.terms.found(papers):
            document = self.package.Document([str(term) for term in present])
            found = np.fromiter(self.matcher.matches(document), np.int64)
            yield paper, found[~np.isin(excluded[found], np.fromiter(present, np.int64, len(present)))]


ENGINES = {"fts5": FullText, "sets": Sets, "roaring": Roaring, "mokaccino": Mokaccino, "perq": Perq}
