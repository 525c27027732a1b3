"""The words by which a model's sentence is judged, by language: numbers, names, function words, and what gives orders.

Tables only. What follows from them is decided in `model_summary`.
"""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# --- Numbers written as words, with their values ----------------------------------------------------------------------


def _numbers(text: str, *endings: str) -> dict[str, str]:
    """ "two 2 three 3" as a table, each word also with these endings."""
    words = text.split()
    table = dict(zip(words[::2], words[1::2], strict=True))
    return table | {word + ending: value for word, value in table.items() for ending in endings}


NUMBER_WORDS: dict[str, dict[str, str]] = {
    "en": _numbers(
        "two 2 three 3 four 4 five 5 six 6 seven 7 eight 8 nine 9 ten 10 eleven 11 twelve 12 thirteen 13 fourteen 14 "
        "fifteen 15 sixteen 16 seventeen 17 eighteen 18 nineteen 19 twenty 20 thirty 30 forty 40 fifty 50 sixty 60 "
        "seventy 70 eighty 80 ninety 90 hundred 100 hundreds 100 thousand 1000 thousands 1000 million 1000000 "
        "millions 1000000 billion 1000000000 billions 1000000000 trillion 1000000000000 dozen 12 dozens 12",
        "fold",
    )
    | _numbers(
        "half 50 halves 50 halved 50 halving 50 twice 2 thrice 3 double 2 doubles 2 doubled 2 doubling 2 triple 3 "
        "triples 3 tripled 3 quadruple 4 quadruples 4 third 3 thirds 3 quarter 4 quarters 4"
    ),
    "de": _numbers(
        "zwei 2 drei 3 vier 4 fünf 5 sechs 6 sieben 7 acht 8 neun 9 zehn 10 elf 11 zwölf 12 zwanzig 20 dreißig 30 "
        "vierzig 40 fünfzig 50 sechzig 60 siebzig 70 achtzig 80 neunzig 90 hundert 100 tausend 1000",
        "mal",
        "fach",
        "fache",
    )
    | _numbers(
        "million 1000000 millionen 1000000 milliarde 1000000000 milliarden 1000000000 dutzend 12 hälfte 50 halb 50 "
        "halbiert 50 halbieren 50 doppelt 2 doppelte 2 verdoppelt 2 verdreifacht 3 drittel 3 viertel 4 hunderte 100 "
        "tausende 1000"
    ),
    "fr": _numbers(
        "deux 2 trois 3 quatre 4 cinq 5 six 6 sept 7 huit 8 neuf 9 dix 10 onze 11 douze 12 vingt 20 trente 30 "
        "quarante 40 cinquante 50 soixante 60 cent 100 centaines 100 mille 1000 milliers 1000 million 1000000 "
        "millions 1000000 milliard 1000000000 milliards 1000000000 moitié 50 double 2 triple 3 tiers 3 quart 4"
    ),
    "es": _numbers(
        "dos 2 tres 3 cuatro 4 cinco 5 seis 6 siete 7 ocho 8 nueve 9 diez 10 once 11 doce 12 veinte 20 treinta 30 "
        "cuarenta 40 cincuenta 50 sesenta 60 cien 100 cientos 100 mil 1000 miles 1000 millón 1000000 millones 1000000 "
        "mitad 50 doble 2 triple 3 tercio 3 cuarto 4"
    ),
    "it": _numbers("due 2 tre 3 quattro 4 cinque 5 sei 6 sette 7 otto 8 nove 9 dieci 10 cento 100 mille 1000 metà 50"),
    "pt": _numbers(
        "dois 2 duas 2 três 3 quatro 4 cinco 5 seis 6 sete 7 oito 8 nove 9 dez 10 cem 100 mil 1000 metade 50 dobro 2"
    ),
    "nl": _numbers(
        "twee 2 drie 3 vier 4 vijf 5 zes 6 zeven 7 acht 8 negen 9 tien 10 honderd 100 duizend 1000 helft 50 dubbel 2"
    ),
}
# 三个, 二倍, 百分之五十: a numeral before a word that counts. (一 and 十分 are words of every sentence.)
CJK_NUMERALS = {
    "二": "2",
    "两": "2",
    "三": "3",
    "四": "4",
    "五": "5",
    "六": "6",
    "七": "7",
    "八": "8",
    "九": "9",
    "十": "10",
    "百": "100",
    "千": "1000",
    "万": "10000",
    "億": "100000000",
    "亿": "100000000",
}
CJK_COUNTED = re.compile(r"([二两三四五六七八九十百千万億亿])(?=[个個倍种種项項类類次件つ年层層台篇%％分])")
MAGNITUDE = re.compile(r"magnitude|größenordnung|ordres? de grandeur|magnitud|数量级|數量級|桁", re.IGNORECASE)

# --- Function words: which language a sentence is in ------------------------------------------------------------------

FUNCTION_WORDS: dict[str, frozenset[str]] = {
    language: _words(words)
    for language, words in {
        "en": "the of and to that with is are this we it from by for which when than how as on",
        "de": "der die das den dem des ein eine einen einem einer und mit für von auf ist sind wie durch bei zur zum "
        "sich ohne nicht als auch werden wird über im aus kann können",
        "fr": "le la les un une des du de et avec pour par sur dans est sont qui que en au aux sans plus",
        "es": "el la los las un una unos unas de del y con para por en es son que se sin más al",
        "it": "il lo la i gli le un una di del della e con per in è sono che si senza più dei",
        "pt": "o a os as um uma de do da e com para por em é são que se sem mais dos das",
        "nl": "de het een en met voor van op is zijn die dat door bij zonder niet als ook uit kan",
    }.items()
}
HAN_LANGUAGES = frozenset(("zh", "ja", "ko", "yue"))

# --- Names ------------------------------------------------------------------------------------------------------------

# Names that models like to add, in any spelling of capitals. Where other nouns are capitalised too, or nothing is, only
# these and two capitalised words in a row are known to be names.
NAMES = _words(
    "google deepmind openai microsoft facebook nvidia huawei alibaba tencent baidu bytedance huggingface "
    "anthropic deepseek samsung sony ibm tesla twitter youtube wikipedia github reddit linkedin tiktok netflix "
    "stanford berkeley harvard princeton yale oxford cambridge caltech cornell tsinghua peking eth zürich zurich "
    "münchen munich berlin paris london tokyo beijing shanghai montreal toronto boston seattle california europe "
    "china japan germany deutschland frankreich france spain españa italy india amerika america chatgpt gpt bert "
    "imagenet pytorch tensorflow arxiv neurips icml iclr cvpr einstein turing hinton lecun bengio nobel"
)
CAPITAL_NAMES = _words(
    "Meta Apple Amazon Intel Oracle Nature Science Gemini Claude Llama Mistral Falcon Qwen Kaggle Salesforce "
    "Adobe Cell Lancet Musk Altman"
)
HAN_NAMES = {
    "谷歌": "google",
    "グーグル": "google",
    "微软": "microsoft",
    "マイクロソフト": "microsoft",
    "脸书": "facebook",
    "英伟达": "nvidia",
    "エヌビディア": "nvidia",
    "华为": "huawei",
    "阿里": "alibaba",
    "腾讯": "tencent",
    "百度": "baidu",
    "字节跳动": "bytedance",
    "苹果公司": "apple",
    "亚马逊": "amazon",
    "斯坦福": "stanford",
    "スタンフォード": "stanford",
    "麻省理工": "mit",
    "哈佛": "harvard",
    "牛津": "oxford",
    "剑桥": "cambridge",
    "清华": "tsinghua",
    "北京": "beijing",
    "北大": "peking",
    "东京": "tokyo",
    "東京": "tokyo",
    "伯克利": "berkeley",
    "中国": "china",
    "美国": "america",
    "日本": "japan",
    "德国": "germany",
}

# Words that may begin a sentence with a capital and are no names.
BEGINNINGS = {
    language: _words(words)
    for language, words in {
        "en": "a an the this these it we they by with from to in on for using through via when while although as at "
        "new one both instead rather introduces presents proposes shows finds demonstrates studies analyzes analyses "
        "develops authors researchers paper work training combining learning given under across unlike despite after "
        "before small large simple many most two how why what each every more",
        "fr": "un une le la les ce cet cette ces nous il elle on par avec pour en dans sur des du",
        "es": "un una el la los las este esta estos se por con para en sobre nuestro presenta propone",
        "it": "un una il lo la i gli le questo questa si per con in su",
        "pt": "um uma o a os as este esta se por com para em sobre",
        "nl": "een de het dit deze we met voor in op door",
    }.items()
}

# --- Orders and sales talk --------------------------------------------------------------------------------------------

ORDERS = re.compile(
    r"\b(?:(?:ignore|disregard|override|forget)\b.{0,40}\b(?:instructions?|prompts?|previous|prior|above|rules?|everything)|"
    r"(?:previous|prior|above|the following|system|these|your) (?:instructions?|prompts?)|"
    r"you (?:must|should|are|can|will|need)|your?|click(?!-)|subscribe|visit|download|install|buy|please|as an ai|"
    r"language model,? i|i am|i'm|i cannot|i can't|sorry|"
    r"(?:strong(?:ly)? )?accept(?:ance)?\b.{0,20}\b(?:paper|recommend)|recommend(?:ed)? (?:for )?accept\w*|"
    r"recommend (?:this|the) (?:paper|work)|here is|here's|summary:|must[- ]read|groundbreaking|revolutionary|"
    r"(?:readers?|subscribers?|reviewers?|every(?:one|body)|anyone|interested parties)\b.{0,30}"
    r"\b(?:should|must|needs?|may|can win|(?:is|are) (?:\w+ )?(?:asked|advised|requested|urged|invited))|"
    r"(?:researchers|users) are (?:kindly )?(?:advised|urged|invited)|authors ask \w+ to|attention readers|"
    r"(?:best|greatest) (?:paper |work )?ever|deserves? (?:an? |to be )?(?:award|accept\w*|cit\w*)|strong accept|"
    r"we (?:urge|beg)|let us all|don['’]t miss|sign up|win a prize|donate|contact support|attached file|the attachment|"
    r"(?:forward|share) this|(?:wire|transfer|send) (?:money|funds|payment)|"
    r"(?:vot(?:e|ing) for|cite) (?:this|the) (?:paper|work)|(?:update|verify) (?:the|an|their) accounts?|scan the code|"
    r"(?:send|enter|enters|reply with|share|give|type|provide)\b.{0,20}\b(?:passwords?|credentials?|the code)|"
    # German, French, Spanish, Italian, Portuguese, Dutch
    r"klick\w*|besuch\w*|abonnier\w*|ignorier(?:e|en sie|t)\b|lade\w*\b.{0,20}\bherunter|kauf(?:e|en sie)?\b|bitte|"
    r"sie (?:müssen|sollten|können)|(?:müssen|sollten|können) sie|dein\w*|ihren? (?:daten|konto)|annahme empfohlen|"
    r"cliquez|visitez|abonnez|ignorez|téléchargez|achetez|veuillez|votre|vous|s'il vous|"
    r"haga clic|haz clic|suscrí\w*|suscrib\w*|descarg(?:ue|a)\b|por favor|usted|"
    r"ignor(?:e|a) (?:las|todas)|"
    r"clicca|iscriviti|inscreva|você|klik|alstublieft|jij)\b|"
    r"请|您|你|点击|點擊|订阅|訂閱|访问我们|忽略(?:之前|以上|所有|前面)|下载|購買|购买|"
    r"ください|クリック|購読|あなた|無視して|ダウンロード|接受.{0,6}论文|採択.{0,6}推奨",
    re.IGNORECASE,
)
# The same in words that mean something else in other languages ("VOS", "clique").
ORDERS_OF = {
    "fr": re.compile(r"\b(?:vos|tes|tu)\b", re.IGNORECASE),
    "es": re.compile(r"\b(?:compre|tus?|vos)\b", re.IGNORECASE),
    "it": re.compile(r"\b(?:scarica|compra|tuo|tua)\b", re.IGNORECASE),
    "pt": re.compile(r"\b(?:clique|baixe|compre|seu|sua)\b", re.IGNORECASE),
    "nl": re.compile(r"\b(?:bezoek|uw|jouw)\b", re.IGNORECASE),
}
# A sentence about a paper does not begin with one of these; an order does.
IMPERATIVES = _words(
    "ignore disregard click visit read see try check download install buy subscribe follow send open go call "
    "email run share vote cite accept note remember discover get join watch sign contact reply write say tell "
    "give print output repeat translate summarize lies lesen teilen schreiben lisez découvrez lea lee descubra"
)
