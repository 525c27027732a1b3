"""Whom a refusal speaks of, by its words. Reply codes do not tell it: servers say 550 to a mailbox that is not there,
and to a sender they do not want. Used for a relay's answer and for a bounce that comes back later. Pure.

The words are those of Exim, Postfix, Sendmail, qmail, Exchange, Domino and the large providers, and of translations. In
doubt a refusal is ours: one letter too many harms nobody, but a subscriber who is ended by mistake is lost.
"""

import re
import unicodedata
from typing import Literal

RefusalReason = Literal["no such address", "mailbox", "us", "too big", ""]

LONGEST = 2_000  # characters that are looked at

# The address, host names and links may hold any word: <policy@example.org> says nothing about a policy.
_ADDRESSES = re.compile(r"[^\s<>@]{1,320}@(?:\[[^\s<>\]]{1,80}\]|[\w.-]{1,255})")
_NAMES = re.compile(r"https?://\S{0,500}|\b(?:[a-z0-9-]{1,63}\.){1,20}[a-z]{2,63}\b")
# But where these are named, a list of bad senders has been asked about us.
_LISTS = re.compile(
    r"spamhaus|spamcop|sorbs|barracudacentral|uceprotect|spamrats|mailspike|senderscore|dnsbl|\brbl\b"
    r"|proofpoint\.com/|[?&](?:client)?ip=\d"
)


def _any(*patterns: str) -> re.Pattern[str]:
    """One pattern of several, as `_folded` writes words."""
    return re.compile(_without_marks("|".join(patterns)))


def _without_marks(text: str) -> str:
    """Without diacritics."""
    parts = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFC", "".join(letter for letter in parts if not unicodedata.combining(letter)))


def _either(first: str, second: str, between: str = r"[^.;]{0,40}?") -> str:
    """Both, in either order, near each other."""
    return rf"(?:{first}){between}(?:{second})|(?:{second}){between}(?:{first})"


_WHO = (
    r"\b(?:user|recipient|rcpt|mail ?box|account|address(?:ee)?|alias|inbox|person|customer|subscriber|local part"
    r"|login"
    r"|destination|employee|member|student|domain|host)s?(?: name| id)?\b"
)
_IS_NOT = (
    r"\bunknown\b|\bdoes(?: not|n.?t) (?:exist|appear)|\bdo(?: not|n.?t) exist|\bnot? (?:be )?(?:found"
    r"|exist(?:ing)?|known"
    r"|recogni[sz]ed|valid|located|local|here)\b|\binvalid\b|\bnon-?exist|\bunavailable\b|\bno longer\b"
    r"|\bno such\b|\bno\b"
    r"(?= (?:mail ?box|user|recipient|account|address|valid|such))|\bun(?:rout(?:e)?able|deliverable)\b|\bbad\b"
    r"|\billegal\b"
    r"|\bclosed\b|\bdeleted\b|\bexpired\b|\bterminated\b|\bdiscontinued\b|\bwrong\b|\bnot listed in\b"
    r"|\bisn.?t\b(?! in my)"
    r"|\bnot (?:a )?(?:valid|local|known|our)\b|\bcould(?: not|n.?t) be found|\bcan(?: ?not|n.?t) be found|\bno one\b"
    r"|\bhas left\b|\bnot on (?:this|the) (?:server|system)"
)
_ELSEWHERE = (
    # German, Dutch, Scandinavian
    (
        r"empfanger|benutzer|nutzer|adresse|postfach|konto|teilnehmer|mailbox",
        r"unbekannt|existiert nicht|nicht gefunden|nicht vorhanden|ungultig|gibt es nicht|kein solche|nicht bekannt",
    ),
    (r"gebruiker|ontvanger|adres|mailbox|postvak|postbus", r"onbekend|bestaat niet|niet gevonden|ongeldig|niet bekend"),
    (
        r"anvandare|mottagare|adress|bruker|mottaker|bruger|modtager|konto|postkasse",
        r"okand|ukjent|ukendt|finns inte|finnes ikke|findes ikke|eksisterer ikke|existerar inte|hittades inte"
        r"|ugyldig|ogiltig",
    ),
    (r"kayttaja|vastaanottaja|osoite|postilaatikko", r"tuntematon|ei ole olemassa|ei loydy|ei loytynyt|virheellinen"),
    # French, Spanish, Portuguese, Italian, Romanian
    (
        r"utilisateur|destinataire|adresse|boite|compte|usager|abonne",
        r"inconnu|n.existe (?:pas|plus)|introuvable|invalide|inexistant|non trouve|archive",
    ),
    (
        r"usuario|destinatario|buzon|cuenta|direccion|casilla|correo",
        r"desconocid|no existe|inexistente|no encontrad|invalid|no valid|no se (?:ha )?encontr|no se encuentra",
    ),
    (
        r"usuario|utilizador|destinatario|caixa|conta|endereco",
        r"desconhecid|nao existe|inexistente|nao encontrad|invalid|nao foi encontrad",
    ),
    (
        r"utente|destinatario|casella|indirizzo|account",
        r"sconosciut|non esiste|inesistente|non trovat|non valid|non e stat",
    ),
    (r"utilizator|destinatar|adresa|cont|cutia", r"necunoscut|nu exista|inexistent|invalid|nu a fost gasit"),
    # Polish, Czech, Slovak, Hungarian, Turkish
    (r"uzytkownik|odbiorc|adres|skrzynk|konto", r"nieznan|nie istnieje|nie znaleziono|nieprawid|nie ma takie|brak"),
    (
        r"uzivatel|prijemce|adres|schrank|ucet|pouzivatel|prijemca",
        r"neexistuj|neznam|nenalezen|neplatn|nebyl nalezen|nenajden",
    ),
    (r"felhasznalo|cimzett|\bcim\b|postafiok|fiok", r"ismeretlen|nem letezik|nem talalhato|ervenytelen"),
    (r"kullan.c.|al.c.|adres|hesap|posta kutusu", r"bulunamad|\byok\b|bilinmeyen|mevcut degil|gecersiz|tan.nm.yor"),
    # Russian, Ukrainian, Bulgarian; Greek
    (
        r"пользовател|получател|адрес|ящик|абонент|аккаунт|учетн|користувач|одержувач|скринь|потребител|получател",
        r"не наиден|неизвест|не существу|несуществу|недеиствит|нет так|отсутству|не знаиден|невидом|невідом"
        r"|не існу|не існує"
        r"|не зареги|заблокирован навсегда|непознат|не съществува",
    ),
    (r"χρηστη|παραληπτη|διευθυνση|λογαριασμ", r"αγνωστ|δεν υπαρχει|δεν βρεθηκε|μη εγκυρ"),
    # Chinese, Japanese, Korean
    (
        r"用户|用戶|使用者|收件人|收信人|邮箱|郵箱|信箱|地址|帐号|账号|帳號|帐户|账户",
        r"不存在|未找到|找不到|无效|無效|未知|没有|沒有|无此|無此|查无|查無",
    ),
    (r"ユーサ|宛先|アトレス|受信者|メールホックス|アカウント", r"存在し|見つかりま|不明|無効|ありません|知られて"),
    (r"사용자|수신자|수신인|주소|메일함|사서함|계정", r"없|존재하지|찾을 수|알 수"),
    # Arabic, Hebrew
    (r"المستخدم|المستلم|العنوان|البريد|الحساب|صندوق", r"غير موجود|غير معروف|لا يوجد|غير صالح"),
    (r"משתמש|נמען|כתובת|תיבה|תיבת|חשבון", r"לא קיים|לא קיימת|לא נמצא|לא ידוע|לא מוכר|אינו קיים|אינה קיימת"),
)
_NOBODY = _any(
    r"user unknown in (?:virtual|local|relay|the)? ?[a-z ]{0,30}table",
    r"(?:not listed in|not found in) [^.;]{0,30}(?:directory|address book)",
    r"no mail ?box (?:here )?by that name",
    r"user[^.;]{0,60}does(?: not|n.t) have an? [^.;]{0,30}account",
    r"recip(?:ient)?not ?found",
    r"null mx|nxdomain",
    r"\bnobody\b(?: (?:here|by that name|of that name))?",
    r"not? (?:longer )?(?:our|a) customer|no longer (?:works|with|at|employed|in use)",
    r"mail ?box unavailable|mail ?box name (?:is )?not allowed|^[\W\d]*(?:user )?does not exist\W*$",
    _either(_WHO, _IS_NOT),
    *(_either(who, what, r"[^.;]{0,30}?") for who, what in _ELSEWHERE),
    r"无此用户|無此用戶|查无此人|查無此人|нет такого (?:пользователя|ящика|адреса)",
    r"kein(?:en)? solche[nrs]? (?:benutzer|empfanger)",
    # Exchange Online at the edge: the directory has no such recipient.
    r"recipient address rejected: access denied\W{0,3}as\(\d",
)
_FULL = _any(
    r"\bquota\b|\b(?:is|are|mail ?box|inbox|storage|space)[^.;]{0,20}\bfull\b|\bfull (?:mail ?box|inbox)"
    r"|insufficient (?:disk|system)? ?"
    r"(?:space|storage)|out of (?:disk )?space|not enough (?:space|storage)|\b(?:mail ?box|account|user"
    r"|recipient)\b[^.;]{0,40}"
    r"\b(?:disabled|inactive|suspended|locked|deactivated|frozen|over)\b|voll\b|pleine|\blleno|\bpieno|\bpiena"
    r"|cheia|переполнен|已满|已滿|容量|empfangsbereit"
)
_BIG = _any(
    r"(?:message|mail|size|content|attachment)[^.;]{0,40}(?:too (?:big|large|long)|exceed)|too (?:big|large)"
    r"|exceed[^.;]{0,40}\bsize\b"
    r"|maximum (?:message )?size|size limit|\bzu gross\b|trop (?:gros|volumineu|grand)|demasiado grande|troppo grande"
)
_SENDER = (
    r"\bsenders?\b|\bmail from\b|\bfrom[: ]address|return[- ]path|envelope[- ]from|absender|expediteur|emetteur"
    r"|remitente|mittente"
    r"|remetente|afzender|nadawc|odesilatel|odosielatel|felado|avsandar|avsender|afsender|lahettaj|gonderen"
    r"|отправител|відправник|αποστολε"
    r"|发件人|發件人|寄件人|发信人|送信者|差出人|送信元|발신자|보낸 ?사람|المرسل|שולח"
)
# These outweigh "no such user": Exim says "No such user here" of a *sender* it has looked up.
_OF_A_SENDER = _any(
    rf"(?:{_SENDER})[^.;]{{0,40}}(?:verif|reject|refus|den(?:ied|y)|block|invalid|unknown|not\b|fail|spam|\bip\b"
    rf"|domain|list"
    r"|bann|address|unbekannt|gesperrt|inconnu|bloqu|desconoc|sconosc|bloccat|rifiutat|rechazad|abgelehnt|ungultig"
    r"|onbekend"
    r"|nieznan|zablok|неизвест|заблок|отклон|黑名单|黑名單|拒|ブロック|ブラック|차단|거부|不存在|无效|無効|пров)",
    r"too many [^.;]{0,20}\brecipients",
    rf"(?:reject|invalid|unknown|block|verif\w{{0,8}}|bad|forged|fake|unbekannte|gesperrte|unauthori[sz]ed"
    rf"|untrusted)[^.;]{{0,20}}(?:{_SENDER})",
)
_US = _any(
    r"weiterleit|retransmi|reenvi|reencaminh|ritrasm|przekaz|doorsturen|ретрансл|пересыл"
    r"|\brelay(?:s|ing|ed)?\b|\brcpthosts\b|\bopen proxy\b|\brelais\b|релеи",
    r"authenticat|\bauth\b|authentifi|autentic|autentif|uwierzytel|аутентифик|авториз|认证|認證|認証|인증"
    r"|\bcredentials?\b|\bpassword\b"
    r"|\blog(?:ged)?[ -]?in (?:first|required|to|before)|\blogin required|must (?:first )?log|anmeldung"
    r"|not logged in|pop before smtp|check mail first",
    r"(?:black|block|deny|drop|gr[ae]y|white|allow|reject|spam|black hole|block)[ -]?list(?!s? of users)|\bdnsbl\b"
    r"|\brbls?\b|\blisted\b(?! in [^.;]{0,30}directory)"
    r"|\bon (?:our|a|the|my) [^.;]{0,20}lists?\b|list of allowed|\blists?\b[^.;]{0,30}(?:of (?:blocked|bad|banned"
    r"|allowed)|operated by)"
    r"|schwarze liste|sperrliste|liste noire|lista nera|lista negra|zwarte lijst|czarn\w{1,3} list"
    r"|черн\w{1,3} спис|чорн\w{1,3} спис"
    r"|黑名单|黑名單|ブラックリスト|블랙리스트|kara liste",
    r"\bblock(?:ed|ing|s)?\b|\bbann?ed\b|\bblackholed\b|gesperrt|geblockt|blockiert|bloquead|\bbloque\b"
    r"|\bbloquee\b|bloccat|geblokkeerd|blockerad|zablokowan"
    r"|заблокир|屏蔽|ブロック|차단|engellen",
    r"\bpolic(?:y|ies)\b|richtlinie|politique|\bpolitica|politik|polityk|политик|策略|ポリシー|정책|\bbeleid\b",
    r"\breputation\b|reputacion|reputazione|репутац|信誉|信譽",
    r"spam|\bjunk\b|phish|malware|unsolicited|\bbulk\b|спам|垃圾|スパム|迷惑|스팸|\bu[cb]e\b|abuse|abusive|suspicious"
    r"|mail ?bomb",
    r"\bspf\b|\bdkim\b|\bdmarc\b|\bdomainkeys?\b|\bsender ?id\b",
    r"\bcontent\b|inhalt|contenu\b|contenido|contenuto|conteudo|содержим|内容|コンテンツ|\bvirus|\battachment"
    r"|\bheaders?\b",
    r"\byour (?:ip|host|server|mail ?server|network|isp|provider|domain|mta|client|system|organi[sz]ation"
    r"|message (?:looks|appears|contains|was (?:classified|identified|detected)))",
    r"\breverse dns\b|\brdns\b|\bptr\b|\bhelo\b|\behlo\b|\bfcrdns\b|\bgeo-?ip\b",
    r"\b(?:rate|frequency|speed|volume) (?:is )?(?:limit|control|exceed)|throttl"
    r"|too many (?:[a-z]{1,20} )?(?:connections|messages|mails|emails|recipients|errors)",
    r"administrative(?:ly)? prohibi",
)
# These speak of us only where nothing says that the address is not there.
_PERHAPS_US = _any(
    r"\bdenied\b|\bprohibited\b|\bforbidden\b|\bnot? (?:authori[sz]ed|allowed|permitted|trusted)\b"
    r"|\bunauthori[sz]ed\b|\bpermission\b|\bsender|\bsending\b"
    r"|\b(?:message|e-?mail|mail|transaction|connection|session|host|client|server|ip(?: address)?|command"
    r"|delivery) (?:was |is |has been |from [^.;]{0,30})?"
    r"(?:rejected|refused|not accepted|dropped|declined)|\b(?:reject|refus)\w{0,4} (?:the |this |your )?(?:message"
    r"|mail|e-?mail|connection)"
    r"|\blists?\b|\blisted\b|\bip\b|\bdns\b|\btls\b|\bssl\b|\bencrypt|\bcertificate|\bfilter|\bfirewall\b"
    r"|\bscor(?:e|ed|ing)\b|\brules?\b"
    r"|" + _SENDER + r"|nicht (?:erlaubt|gestattet|zugelassen)|\bn[ao]o? permitid|non (?:permess|consentit|autori[sz])"
    r"|pas (?:autori[sz]|permi)|niet toegestaan|niedozwol|verschlussel|chiffrement|\bcifrad|szyfrow"
    r"|verweigert|abgelehnt|refuse|rechazad|denegad|rifiutat|negato|negado|geweigerd|odrzucon|odmow"
    r"|отклон|запрещ|отказ|拒|거부"
)


def reason(text: str) -> RefusalReason:
    """Whom or what a refusal speaks of, in any wording or language we know.

    no such address   the recipient, or their domain, is not there
    mailbox           it is there, and full or switched off
    us                the sender, the relay, a list, a policy, reputation, spam, content, authentication
    too big           the message's size
    ""                nothing that we know
    """
    words = _ADDRESSES.sub(" ", _folded(text))
    if _LISTS.search(words):
        return "us"
    words = _NAMES.sub(" ", words)
    without = _NOBODY.sub(" ", words)
    if _OF_A_SENDER.search(words) or _US.search(without):
        return "us"
    if _BIG.search(words):
        return "too big"
    if _FULL.search(words):
        return "mailbox"
    if without != words:
        return "no such address"
    return "us" if _PERHAPS_US.search(words) else ""


def same(text: str) -> str:
    """The words without what differs from one recipient to the next: equal for two refusals that say the same."""
    words = _NAMES.sub(" ", _ADDRESSES.sub(" ", _folded(text)))
    return " ".join(re.findall(r"[^\W\d_]+", words))


def _folded(text: str) -> str:
    """Lower case, without diacritics, on one line."""
    plain = _without_marks(text[:LONGEST].casefold())
    plain = plain.replace("resolver.adr.", " ")  # Exchange begins its own words so; no host name
    return " ".join(plain.translate({0x142: "l", 0xF8: "o", 0x131: "i"}).split())
