"""The parser of the profile language: what it takes, how it writes it back, and what it says of the rest."""

import pickle
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.core.query import (
    Query,
    QueryError,
    Term,
    parse,
    profile_errors,
    profile_query,
    seems_a_query,
)
from bot.core.query.ast import Group, Number
from bot.errors import PaperlarkError

CANONICAL = [
    ("Transformer", "transformer"),
    ("a AND b", "a b"),
    ("a,b , c", "a OR b OR c"),
    ("a OR (b OR c)", "a OR b OR c"),
    ("(a) ((b))", "a b"),
    ("a (b c)", "a b c"),
    ("a b, c d", "a b OR c d"),
    ("a -b", "a NOT b"),
    ("a NOT(b c)", "a NOT (b c)"),
    ("NOT a b", "NOT a b"),
    ("NOT NOT a", "a"),
    ("a --b", "a b"),
    ("a -(-(b c))", "a b c"),
    ("GPT-4", '"gpt 4"'),
    ("C++", "c++"),
    ("c#^2", "c#^2"),
    (".NET", ".net"),
    ("=.NET", "=.NET"),
    ("(.net)", ".net"),
    ("C++11", '"c++ 11"'),
    ("100+", "100"),
    ("GPT-4.5", '"gpt 4.5"'),
    ("1,2-dichloroethane", '"1,2 dichloroethane"'),
    ("1,000", '"1,000"'),
    ('a^1,2 "a b"~3,4 upvotes>=5,6', 'a OR 2 "a b"~3 OR 4 upvotes>=5 OR 6'),
    ("2 of (1,2,3)1,2", '2 of (1, 2, 3) "1,2"'),
    ("1 of (1,2 (3,4)), 5,6", '1 of (1, 2 (3 OR 4)) OR "5,6"'),
    ("α-synuclein", '"alpha synuclein"'),
    ("TGFβ", "tgfbeta"),
    ("αβγ*", "alphabetagamma*"),
    ("强化学习", "强化学习"),
    ("强化 学习", "强化 学习"),
    ('"强化 学习"', "强化学习"),
    ("=强化", "=强化"),
    ('"强化学习"~5', '"强化学习"~5'),
    ("强化学习GPT", '"强化学习 gpt"'),
    ("언어 모델", "언어 모델"),
    ("한국어*", "한국어*"),
    ('"' + "强" * 100 + '"', "强" * 100),
    ("LED", "=LED"),
    ("IT", "=IT"),
    ("Aids", "aids"),
    ('"Language"', "language"),
    ("“language models”", '"language models"'),
    ('"a AND b"', '"a and b"'),
    ('"or"', '"or"'),
    ("or.", '"or"'),
    ("=or", '="or"'),
    ("=GPT-4", '="GPT 4"'),
    ("RAG", "rag"),
    ("CLIP", "=CLIP"),
    ("clip", "clip"),
    ("Clip", "clip"),
    ('"CLIP"', "clip"),
    ("CLIP*", "clip*"),
    ("ti:CLIP", "title:=CLIP"),
    ("au:CLIP", "author:clip"),
    ("TI:x", "title:x"),
    ("intitle: x", "title:x"),
    ("abs:(a, b c)", "abstract:a OR abstract:b abstract:c"),
    ("org:2 of (a, b)", "2 of (org:a, org:b)"),
    ('Source:"My Feed"', 'source:"my feed"'),
    ("cat:cs.LG", "category:cs.lg"),
    ("cat:CS.*", "category:cs.*"),
    ("cat:(cs.* math.AG)", "category:cs.* category:math.ag"),
    ('cat:"and"', 'category:"and"'),
    ('cat:"ﾂa＂b"', "category:ツa＂b"),
    ("cat:a\u00a8b cat:x\u00b4", 'category:"a \u0308b" category:"x \u0301"'),  # NFKC makes blanks of them
    ("UPVOTES > 007", "upvotes>7"),
    ("stars=3 comments <= 4", "stars=3 comments<=4"),
    ("upvotes", '"upvotes"'),
    ("title stars", 'title "stars"'),
    ('"stars" =RAG', '"stars" =RAG'),
    ("2 OF(a,b)", "2 of (a, b)"),
    ("1 of (a OR b, (c, d))", "1 of (a OR b, c OR d)"),
    ('2 "of" (a, b)', '2 "of" (a OR b)'),
    ("2 of a", '2 "of" a'),
    ("moe^2.0", "moe^2"),
    ("moe^0.50 x^1 y^100", "moe^0.5 x y^100"),
    ('"a b"~05^3', '"a b"~5^3'),
    ("quantiz*^2", "quantiz*^2"),
    ('"graph neur* net*"', '"graph neur* net*"'),
    ('"a * b"', '"a b"'),
    ("pre-train*", '"pre train*"'),
    ("=AND", '="AND"'),
    ("naïve ＴＲＩＥ", "naive trie"),
    ("a\u00a0b\u3000c", "a b c"),
    ('a"b c"d', 'a "b c" d'),
    ("a=b", "a =b"),
    ("a_b", '"a b"'),
    ("x" * 300, "x" * 300),
    ("upvotes>=" + "9" * 4000, "upvotes>=" + "9" * 4000),
    ("(((((((( a ))))))))", "a"),
    (" ".join(f"t{i}" for i in range(64)), " ".join(f"t{i}" for i in range(64))),
    ("NOT " * 5000 + "a b", "a b"),
]

REFUSED = [
    ("", 1, "empty"),
    ("   ", 4, "empty"),
    ("NOT a", 1, "NOT"),
    ("-a", 1, "NOT"),
    ("a OR -b", 6, "NOT"),
    ("a, NOT b", 4, "NOT"),
    ("2 of (a, -b, -c)", 10, "NOT"),
    ("NOT (a b)", 1, "NOT"),
    ("a and b", 3, "did you mean AND?"),
    ("a Or b", 3, "did you mean OR?"),
    ("not a", 1, "did you mean NOT?"),
    ("title:and", 7, "did you mean AND?"),
    ("a AND", 6, "too early"),
    ("a AND  ", 8, "too early"),
    ("a,", 3, "too early"),
    ("title:", 7, "too early"),
    ("upvotes>=", 10, "number"),
    ('"a b"~', 7, "number"),
    ("a^", 3, "number"),
    ("AND a", 1, "AND cannot stand here"),
    ("a AND AND b", 7, "AND cannot stand here"),
    ("a OR OR b", 6, "OR cannot stand here"),
    ("a,,b", 3, "comma"),
    ("(a", 1, "never closed"),
    ("x (a (b)", 3, "never closed"),
    ("2 of (a, b", 6, "never closed"),
    ("a)", 2, "parenthesis"),
    ("()", 2, "parenthesis"),
    ('a "b', 3, "never closed"),
    ("a - b", 3, "must touch"),
    ("a -", 3, "must touch"),
    ("= a", 1, "must touch"),
    ("a =", 3, "must touch"),
    ("=(a)", 2, "one word or one phrase"),
    ("title:-a", 7, "-title:word"),
    ("title:NOT a", 7, "-title:word"),
    ("title:(a abs:b)", 10, "no other field"),
    ("title:abs:b", 7, "no other field"),
    ("title:(upvotes>3)", 8, "numbers"),
    ("titel:a", 6, "did you mean title:?"),
    ("title :a", 7, "must touch"),
    ("views>5", 6, "upvotes"),
    ("+a", 1, "leave out"),
    ("a !b", 3, "NOT"),
    ("a | b", 3, "OR"),
    ("a & b", 3, "AND"),
    ("~a", 1, "phrase"),
    ("*a", 1, "quantiz*"),
    ("[a]", 1, "parentheses"),
    ("–a", 1, "plain"),
    ("\u200ba", 1, "U+200B"),
    ("\ud800", 1, "U+D800"),
    ("ab*", 3, "3 letters"),
    ("α*", 2, "3 letters"),
    ("µm*", 3, "3 letters"),
    ("ㅎㅏㄴ*", 4, "3 letters"),
    ("C++*", 4, "behind a sign"),
    ('"C++*"', 5, "behind a sign"),
    ("强化*", 3, "every character"),
    ("quantiz.*", 9, "right behind a letter"),
    (".5", 1, "cannot begin"),
    (".程", 1, "cannot begin"),
    ("..net", 1, "cannot begin"),
    ('"强化"~0', 6, "from 1 to 100"),
    ('"' + "强 " * 17 + '"', 1, "16 words"),
    ('"' + "强" * 102 + '"~100', 105, "within 100"),
    ("GPT-4*", 6, "3 letters"),
    ('"ab* c"', 4, "3 letters"),
    ("abc*d", 5, "ends a word"),
    ('"abc*d"', 6, "ends a word"),
    ("abc *", 5, "quantiz*"),
    ("=abc*", 5, "quantiz*"),
    ('="abc* d"', 6, "exact"),
    ('="a b"~3', 7, "phrase"),
    ('"a"~3', 4, "two words"),
    ('"a b c"~1', 9, "from 2 to 100"),
    ('"a b"~0', 7, "from 1 to 100"),
    ('"a b"~101', 7, "from 1 to 100"),
    ('"a b"~3x', 8, "digits"),
    ('"a b" ~3', 7, "phrase"),
    ("a~3", 2, "phrase"),
    ('"a b"^2~3', 8, "weight ends"),
    ("a^0", 3, "over 0"),
    ("a^100.01", 3, "at most 100"),
    ("a^100.00000000000000000000000001", 3, "at most 100"),
    ("a^0." + "0" * 400 + "1", 3, "over 0"),
    ("a^-1", 3, "number"),
    ("a^1e3", 4, "weight ends"),
    ("a^2.", 4, "weight ends"),
    ("(a b)^2", 6, "behind a term"),
    ("1 of (a)^2", 9, "behind a term"),
    ("upvotes>=2^2", 11, "digits"),
    ("upvotes>=20k", 12, "digits"),
    ("upvotes>=-1", 10, "plain number"),
    ("upvotes>=1.5", 11, "digits"),
    ("upvotes == 5", 10, "plain number"),
    ("upvotes>=２", 10, "plain number"),
    ("upvotes:5", 8, "upvotes>=20"),
    ("upvotes>=" + "9" * 5000, 10, "too long"),
    ("0 of (a)", 1, "at least 1"),
    ("3 of (a, b)", 1, "at most 2"),
    ("9" * 5000 + " of (a, b)", 1, "at most 2"),
    ("2 of (a,, b)", 9, "comma"),
    ("cat:=x", 5, "whole value"),
    ('cat:"a b"~3', 10, "phrase"),
    ("cat:cs*", 7, "dot"),
    ('cat:"cs.*"', 9, "quoted value"),
    ("cat:cs.*x", 9, "blank"),
    ('cat:"--"', 5, "no letter"),
    ('"--"', 1, "no letter"),
    ('""', 1, "no letter"),
    ("ﾞ", 1, "no letter"),
    ('"' + "w " * 17 + '"', 1, "16 words"),
    (" ".join(["t"] * 65), 129, "64 terms"),
    ("((((((((( a )))))))))", 9, "8 deep"),
    ("(" * 100_000, 9, "8 deep"),
    ("1 of (" * 9, 54, "8 deep"),
]


@pytest.mark.parametrize(("text", "canonical"), CANONICAL)
def test_the_canonical_spelling(text: str, canonical: str) -> None:
    query = parse(text)
    assert str(query) == canonical
    assert parse(canonical) == query
    assert hash(parse(canonical)) == hash(query)


@pytest.mark.parametrize(("text", "column", "says"), REFUSED)
def test_what_is_refused_and_how(text: str, column: int, says: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert caught.value.column == column
    assert f"column {column}: " in str(caught.value)
    assert says in str(caught.value)


def test_an_error_is_both_ours_and_a_value_error() -> None:
    with pytest.raises(PaperlarkError):
        parse("(")
    with pytest.raises(ValueError, match="column 2"):
        parse("(")


def test_an_error_points_at_the_column() -> None:
    with pytest.raises(QueryError) as caught:
        parse("sparse\tand dense")
    assert caught.value.pointer() == "sparse and dense\n       ^"
    with pytest.raises(QueryError) as caught:
        parse("深層 and 学習")
    assert caught.value.pointer() == "深層 and 学習\n     ^"
    with pytest.raises(QueryError) as caught:
        parse("word " * 40 + "and")
    line, caret = caught.value.pointer(width=60).split("\n")
    assert len(line) <= 60
    assert line[caret.index("^") :] == "and"


def test_an_error_survives_another_process() -> None:
    with pytest.raises(QueryError) as caught:
        parse("a and b")
    again = pickle.loads(pickle.dumps(caught.value.at("keywords, entry 2")))
    assert (str(again), again.column) == (str(caught.value.at("keywords, entry 2")), 3)


def test_the_parts_of_a_query() -> None:
    query = parse('title:"Pre-train* x"~4^2 -(=GAN, upvotes<3)')
    title = Term("title", ("pre", "train*", "x"), near=4, weight=2.0)
    gan, few = Term("", ("GAN",), exact=True), Number("upvotes", "<", 3)
    assert query.root == Group("and", (title, Group("not", (Group("or", (gan, few)),))))
    assert query.leaves() == (title, gan, few)
    assert query.wanted() == (title,)


MARKS = st.sampled_from(
    [
        *"()\"“”,:^*~=<>-+ \t'.é½#12αß强กာㅎㅏㄴ한\uff71\u00ad\u0301\u200b\ud800\0",
        " OR ",
        " AND ",
        " NOT ",
        "2 of (",
    ]
)
NAMES = st.sampled_from(
    ["ti:", "cat:", "cs.*", "upvotes", ">=", "12", "au:", "word", "CLIP", "models", "of", "and", "x^2", "~3"]
)


@given(st.one_of(st.text(), st.lists(st.one_of(MARKS, NAMES, st.characters()), max_size=30).map("".join)))
@example("2 of 2 of (a)")
def test_any_text_is_a_query_or_a_query_error(text: str) -> None:
    found: Query | QueryError
    try:
        found = parse(text)
    except QueryError as error:
        found = error
    if isinstance(found, Query):
        assert parse(str(found)) == found
        assert str(parse(str(found))) == str(found)
    else:
        assert 1 <= found.column <= len(text) + 1
        assert re.search(r"column \d+: .", str(found))
        assert len(found.pointer().split("\n")) == 2


# ------------------------------------------------------------------------------------------------ keywords and exclude


@pytest.mark.parametrize(
    ("keywords", "exclude", "query", "canonical"),
    [
        (["sparse attention", "KV cache"], [], "", '"sparse attention" OR "kv cache"'),
        (["moe"], ["survey", "a review"], "", 'moe NOT (survey OR "a review")'),
        (["moe"], ["survey"], "", "moe NOT survey"),
        ([], ["survey"], "moe, rag", "(moe OR rag) NOT survey"),
        (["moe", "rag"], [], "upvotes>=5 -x", "(moe OR rag) upvotes>=5 NOT x"),
        (["title:moe", "quantiz*", '"a b"~3', "upvotes>=9", "=RAG", "(x)"], [], "",
         'title:moe OR quantiz* OR "a b"~3 OR upvotes>=9 OR =RAG OR x'),
        (["ART", "the ART", " padded "], [], "", '=ART OR "the art" OR padded'),
        (["AND so on", "graph net*"], [], "", '"and so on" OR "graph net*"'),
    ],
)  # fmt: skip
def test_what_a_profile_asks_for(keywords: list[str], exclude: list[str], query: str, canonical: str) -> None:
    whole = profile_query(keywords, exclude, query)
    assert str(whole) == canonical
    assert parse(canonical) == whole


@pytest.mark.parametrize(
    ("keywords", "exclude", "query", "says"),
    [
        ([], [], "", "profile: column 1: nothing is asked for"),
        ([], ["x"], "", "profile: column 1: nothing is asked for"),
        (["a", "b,c"], [], "", "keywords, entry 2: column 1: one word or phrase"),
        (["a", ""], [], "", "keywords, entry 2: column 1: the query is empty"),
        (["a", "  "], [], "", "keywords, entry 2: column 3: the query is empty"),
        (["- -"], [], "", "keywords, entry 1: column 1: there is no letter"),
        (["a"], ["-b"], "", "exclude, entry 1: column 1: write the word without “-”"),
        (["a"], [], "b and c", "query: column 3: did you mean AND?"),
        (["a"], [], "NOT b", "query: column 1: only NOT"),
        ([f"t{i}" for i in range(65)], [], "", "at most 64 terms, this one has 65"),
        (["a", "b"], [], "((((((((x, y) z, y) z, y) z, y) z, y) z, y) z, y) z, y)", ""),
    ],
)
def test_what_a_profile_cannot_ask_for(keywords: list[str], exclude: list[str], query: str, says: str) -> None:
    if not says:
        assert parse(str(profile_query(keywords, exclude, query)))
        return
    with pytest.raises(QueryError) as caught:
        profile_query(keywords, exclude, query)
    assert says in str(caught.value)


ENTRIES = st.lists(st.sampled_from(["a", "a b", "-a", "ab*", "x)", '"a', "upvotes>3", "", " ", "a OR b"]), max_size=3)


@given(ENTRIES, ENTRIES, st.sampled_from(["", "a", "a and b", "-a", "((((((((a, b) c, d) e)"]))
def test_all_that_is_wrong_with_a_profile(keywords: list[str], exclude: list[str], query: str) -> None:
    errors = profile_errors(keywords, exclude, query)
    assert len({error.where for error in errors}) == len(errors)
    if not errors:
        assert parse(str(profile_query(keywords, exclude, query)))
        return
    with pytest.raises(QueryError) as caught:
        profile_query(keywords, exclude, query)
    assert str(caught.value) in map(str, errors) or caught.value.where == "profile"


@pytest.mark.parametrize(
    ("entry", "seems"),
    [
        *[(entry, True) for entry in ("RAG OR agents", "NOT good", "-video game", "title:survey of", "moe upvotes>=3")],
        *[
            (entry, False)
            for entry in ("black and white", "2-D nets", "NOT", '"a OR b"', "a - b", "KV cache", "-x", "")
        ],
    ],
)
def test_phrases_that_look_like_queries(entry: str, seems: bool) -> None:
    assert seems_a_query(entry) is seems


def test_a_query_value_can_be_kept() -> None:
    queries = {parse("a b"): 1, Query(parse("a AND b").root): 2}
    assert queries == {parse("a b"): 2}
    assert pickle.loads(pickle.dumps(parse("a b"))) == parse("a b")
