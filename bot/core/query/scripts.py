"""Which characters belong to which kind of writing: tables for `words`.

Every name here is the inside of a character class of a regular expression. Source: Unicode's Scripts.txt.
"""

BLANKLESS = (  # scripts written without blanks between words: each of their characters is a word
    "\u2e80-\u2fd5\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufad9"  # Han
    "\U00016fe2\U00016fe3\U00016ff0\U00016ff1\U00020000-\U000323af"  # Han
    "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\U0001aff0-\U0001b16f"  # Hiragana, Katakana
    "\u0e01-\u0e3a\u0e40-\u0e5b\u0e81-\u0edf"  # Thai, Lao
    "\u1000-\u109f\ua9e0-\ua9fe\uaa60-\uaa7f"  # Myanmar
    "\u1780-\u17f9\u19e0-\u19ff"  # Khmer
)
HANGUL = "\u1100-\u11ff\u3131-\u318e\ua960-\ua97c\uac00-\ud7fb"
JAMO = "\u1100-\u11ff\ua960-\ua97c\ud7b0-\ud7fb"  # Hangul in parts, which NFC puts together to syllables
DIGIT = (  # where str.isdigit() holds
    r"\d"
    "\u00b2\u00b3\u00b9\u1369-\u1371\u19da\u2070\u2074-\u2079\u2080-\u2089\u2460-\u2468\u2474-\u247c\u2488-\u2490"
    "\u24ea\u24f5-\u24fd\u24ff\u2776-\u277e\u2780-\u2788\u278a-\u2792\U00010a40-\U00010a43\U00010e60-\U00010e68"
    "\U00011052-\U0001105a\U0001f100-\U0001f10a"
)
QUOTATION_MARK = "\"'`“”„‟‘’‚‛«»‹›「」『』〝〞〟"
