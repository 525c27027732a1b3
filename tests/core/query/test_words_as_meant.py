"""Words as their readers mean them: every kind of the language's special words, in the evaluator and in the matcher."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.matching import Matcher
from bot.core.papers import Paper
from bot.core.query import Query, QueryError, parse
from bot.core.query.acronyms import ORDINARY_WORDS
from bot.core.query.evaluate import Reading, matches, quotes
from tests.core.matching.by_definition import best_by_definition

TABLE = """
virus | Coronaviruses, viruses | viral
biases | A bias | Bia
lens | Lenses | Len
gas | gases | gaze
bus | Buses | bu
potato | Potatoes | pot
quizzes | quiz | qui
analysis | meta-analyses | analyst
meta-analysis | Metaanalyses; meta analyses | analysis
iris | irises | ir
menu | menus | men
gpu | GPUs | gp
api | APIs | ap
corpora | corpus; corpuses | corporal
data | data | datum
media | media | medium
basis | bases | base
axis | axes | ax
leaf | leaves | leave
women | woman | wom
sub-matrix | submatrices; sub matrices | matrix
conidia | conidium | conidial
thoraces | thorax | thoracic
chemotaxis | chemotaxes | taxes
proboscis | proboscises; proboscides | probe
milieu | milieus; milieux | mile
clostridium | Clostridia | clostrid
alpha-synuclein | α-synuclein; alpha synuclein; Α-Synuclein | beta-synuclein
α-synuclein | alphasynuclein | synuclein
TGF-beta | TGF-β; TGFβ; tgfbeta | TGF-α
κB | kappaB; NF-κB | B
pi0 | π0 | pi 1
µm | mum; μm | m
=α | α | alpha
="TGF-β" | TGF-β | TGF-beta; tgf-β
lukasiewicz | Łukasiewicz | lucas
orsted | Ørsted; ØRSTED | rsted
author:"lukasz kaiser" | @Łukasz Kaiser | @Lukas Kaiser
author:aliyev | @Rəşad Əliyev; @Aliyev | @Liyev
author:"o'brien" | @Seán OʼBrien; @O’Brien | @Brien
hawaii | Hawaiʻi | hawai
jalapeno | ȷalapeño; JALAPEÑO | alapeno
author:dokovic | @Novak Đoković | @Okovic
author:yildiz | @Ayşe Yıldız | @Yldz
author:thorvaldsson | @Þorvaldsson | @Torvald
isik | ışık; IŞIK | is
strasse | Straße | strase
C++ | C++; g C++11; (C++); C++程序; C++를 | C; C+; C#; C++x; C ++
C | C; C+ | C++; C#
C# | C#; C#7 | C++; C
F# | F# | F-test; F
.NET | .NET; (.NET); “.NET”; use .NET now | net; a neural net; ASP.NET; ..NET; -.NET
net | ASP.NET; nets | .NET
CD4 | CD4+; CD4; CD4+ cells | CD4++; CD4#; CD40
CD4+ | CD4+ | CD4; CD4++
"CD4 cell" | CD4+ cells | CD4++ cell
multimodal | multi-modal+; multimodal+ | multi-modal++
ca2+ | Ca²⁺ | Ca2
100 | 100+ | 1000
=C++ | C++ | c++; C
=MBPP | MBPP | MBPP+; mbpp
author:"C++ alliance" | @C++ Alliance | @C Alliance
强化学习 | 基于强化学习的机器人控制; 强化学习; RL强化学习x | 强化; 学习强化; 强化 x 学习
機械学習 | 大規模な機械学習モデル | 機械と学習
ライブ | ライブラリ; ﾗｲﾌﾞ | ライ
การเรียนรู้ | การเรียนรู้เชิงลึก | เรียนการรู้
=强化 | 强化学习; 强 化 | 强x化
"强化学习"~5 | 学习x强化 | 强化
"GPT 强化" | GPT强化学习 | GPT 化强
author:强 | @李 强; @李强 | @李
မြန်မာ | မြန်မာစာ | မာမြန်
한국 | 한국어; 한국; BERT한국 | 대한국; 하; 한
"언어 모델" | 대규모 언어모델을; 언어를 모델로; 언어 모델 | 언어는 큰 모델; 모델 언어
언어모델 | 언어 모델을; 언어모델이 | 언어 큰 모델
author:김 | @김철수 | @박김수
=언어 | 언어 모델 | 언어모델
bert | BERT를; BERTs | BER를
"한국 모델"~3 | 모델은 큰 한국어 | 모델 a b c 한국
LED | LED lamps | led to; leds
IT | IT systems | it is
US | in the US | us
Aids | First aid | first
"LED" | led | leader
GPT-4 | GPT-4; GPT 4; GPT4 | GPT-4.5; GPT-4o; GPT-4,5
GPT-4.5 | GPT-4.5; GPT4.5 | GPT-4 5; GPT-45
1,000 | 1,000 | 1 000; 1000
1,2-dichloroethane | 1,2-dichloroethane | 1 2 dichloroethane; 2-dichloroethane
35 | 35 | 3.5; 3 5
"3 4.5" | 3 4.5 | 34.5
=4.5 | GPT-4.5 | 4 5
v1.5 | v1.5; V1.5 | v15; v1 5
"""
CASES = [
    (query, case.strip(), true)
    for row in TABLE.strip().splitlines()
    for query, *cells in [row.split(" | ")]
    for cell, true in zip(cells, (True, False), strict=True)
    for case in cell.split(";")
]


def paper(case: str) -> Paper:
    return Paper("k", "", authors=(case[1:],)) if case[0] == "@" else Paper("k", case)


@pytest.mark.parametrize(("query", "case", "true"), CASES)
def test_a_word(query: str, case: str, true: bool) -> None:
    asked, held = parse(query), paper(case)
    assert matches(asked, held) is true
    assert len(Matcher([asked]).match([held]).pairs()[0]) == true
    assert len(Matcher([asked]).match([Paper("k", "x", held.title, held.authors)]).pairs()[0]) == true
    assert parse(str(asked)) == asked


NEVER_WORDS = "rag moe lora bert gan llm llama cot nerf vae ssm dpo ppo sam gpu".split()
ALWAYS_WORDS = """
act aim align art base best care case clear clip core dream fast flow glue lens map mask mind ruler spin star trace
led can aids it us who all go pet sat has may ice ran am are do car cad cat his our no on was her its
""".split()


def test_acronyms() -> None:
    assert not ORDINARY_WORDS & set(NEVER_WORDS)
    assert set(ALWAYS_WORDS) <= ORDINARY_WORDS
    for word in ALWAYS_WORDS:
        assert str(parse(word.upper())) == f"={word.upper()}"
        assert str(parse(f'"{word.upper()}"')).strip('"') == word


def test_a_quote_holds_the_sign() -> None:
    (quote,) = quotes(parse("C++"), Paper("k", "Why C++11 and “.NET” of 强化学习"))
    assert quote.text == "C++"
    assert quotes(parse("=.NET"), Paper("k", "Why “.NET” of"))[0].text == ".NET"
    assert quotes(parse("化学"), Paper("k", "of 强化学习."))[0].text == "化学"
    assert quotes(parse("언어"), Paper("k", "큰 언어모델을"))[0].text == "언어모델을"


PIECES = """
C++ .net 1,2 4.5 α β ł ß 강 하 한국 ㅎ ㅏ 强 化 ー ｶﾞ デ กา ็ ာ ။ ² ⁺ ½ ① s es us
model models data set virus bases analyses CD4+ the in
""".split()
UGLY = st.lists(
    st.sampled_from([*"aAbsxe19 \t.,+#-'\"“([{:=*^~", " ", " ", "\u0301", "\u00ad", "\u200b", *PIECES]), max_size=14
).map("".join)


@settings(max_examples=120, deadline=None)
@given(st.lists(UGLY, min_size=1, max_size=6), st.lists(UGLY, min_size=1, max_size=6), st.integers(0, 10**6))
def test_evaluator_and_matcher_agree_on_ugly_text(texts: list[str], spelled: list[str], seed: int) -> None:
    rng = random.Random(seed)
    papers = [Paper(str(i), text, rng.choice(texts), (rng.choice(texts),)) for i, text in enumerate(texts)]
    asked: list[Query] = []
    parts = [part for text in [*spelled, *texts] for part in (text, *text.split())]
    for part in parts:
        plain = part.translate({ord(c): None for c in '"“:=*^~()'})
        for form in (
            part,
            f'"{plain}"',
            f'="{plain}"',
            f'"{plain}"~9',
            f'author:"{plain}"',
            f"{plain}*",
            f'"{plain}*"',
        ):
            try:
                asked.append(parse(form))
            except QueryError:
                continue
    found = Matcher(asked).match(papers)
    readings = [Reading(one) for one in papers]
    expected = [(q, p) for q, query in enumerate(asked) for p, one in enumerate(readings) if one.true(query.root)]
    assert list(zip(*(part.tolist() for part in found.pairs()), strict=True)) == expected
    top, scores = found.top(3)
    for q, query in enumerate(asked[:12]):
        told = [(p, s) for p, s in zip(top[q].tolist(), scores[q].tolist(), strict=True) if p >= 0]
        assert told == best_by_definition(query, papers, 3), str(query)
        assert parse(str(query)) == query


@pytest.mark.parametrize("seed", range(3))
def test_every_query_survives_its_own_spelling(seed: int, invented: Any) -> None:
    for query in invented.queries(random.Random(900 + seed), 300):
        assert parse(str(query)) == query
