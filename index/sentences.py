"""A paragraph -> the ends of its sentences: sentencex, with corrections for news.

Knows sentencex (the only importer in `citewire.index`), titles, times of day and list marks. Does not know which
sentences can be quoted. docs/index.md compares it with other libraries.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import sentencex

# Abbreviations unknown to sentencex that do not end a sentence: before a name ...
_TITLES = frozenset(
    "abp ald amb ambs amn archd assoc atty bdr bp br capt capts cdr cdre cfn chas chmn cllr cllrs cmdt col cols comm "
    "commr const cpt dep det dir dr drs edw engr gen geo gnr gov govs gens insp inst insps intl intnl jas lcpl lieut "
    "lt lts maj majs messrs mgr mlle mlles mme mmes mr mrs ms msgr mts mx natl ofc pfc pres prof profs pte ptes pvt "
    "rep reps revs rfn robt rt sen sens sgt sgts sp spc spr sqn sra sras srta ste sts supt supts supvr thos tpr treas "
    "wm".split()
)
# ... before a number.
_COUNTED = frozenset(
    "abt appr approx art avg ca cal cap ch chap cl col est excl ext fig figs incl lat max min no nos p para paras "
    "pop pp reg sched sec sect tel temp vol vols".split()
)
_SHORT = frozenset(
    "assn dept etc govt univ mon tue tues wed thu thur thurs fri jan feb aug sept oct nov dec "
    "ala ariz ark calif colo conn del fla ill ind kan mass mich minn miss mont neb nev okla ore penn tenn tex wash wis "
    "wyo".split()
)
_NEVER_LAST = frozenset("appr approx cf excl incl viz".split())  # never at the end of a sentence
_TIMES_OF_DAY = frozenset({"a.m.", "p.m.", "am.", "pm."})
_AFTER_TIMES = frozenset(  # names of days and time zones that may follow a time of day
    "mon tue tues wed thu thur thurs fri sat sun monday tuesday wednesday thursday friday saturday sunday jan "
    "feb mar apr may jun jul aug sep sept oct nov dec january february march april june july august september "
    "october november december eastern central mountain pacific atlantic gmt utc bst ist est edt et cst cdt ct "
    "mst mdt mt pst pdt pt akst akdt hst ast adt nst cet cest eet eest wet west msk sast eat wat jst kst hkt "
    "sgt pht pkt wib aest aedt acst awst nzst nzdt brt clt art".split()
)
# "London time", "Eastern Standard Time", "Christmas Day" after a time of day; "This time" starts a sentence.
_PLACE_TIME = re.compile(
    r"(?!(?:A|All|And|Any|At|But|By|Each|Every|First|For|From|Full|Half|In|Last|Next|No|On|One|Since|So|Some|That|The|This|To"
    r"|Until|When)\b)(?:[A-Z][\w.'’-]*+\s+){1,3}(?:[Tt]ime|Day|Eve)\b"
)
_LIST_MARK = re.compile(r"[(\[]?(?:\d{1,3}|[A-Za-z]|[ivx]{1,5}|[IVX]{1,5})[.)]")
# sentencex may leave an opening quotation mark or bracket at the end of the sentence before.
_OPENING_LEFT = re.compile(r"(?<=[.!?…])\s+(?=[\"'“‘(\[]\s*$)")
# "No. 5" and "Ill." are abbreviations, but "no." and "ill." before a capitalised word end a sentence. Other ends: a
# sentence in parentheses, the text before one, "etc." before a capital, a speed, a one-letter unit, and the mark of
# a note.
_CAPITAL = r"(?=\s+[\"“(\[]?[A-Z])"
_ENDS_TOO = re.compile(
    rf"\b(?:no|ill)\.{_CAPITAL}(?!\s+\W?[A-Z]\b)|(?:\w{{4}}|(?<![ap]\.)\b(?!al\b)[a-z]{{1,3}}|[\d%°])[.!?][)\]]{_CAPITAL}|\betc\.{_CAPITAL}"
    rf"|/[a-z]{{1,2}}\.{_CAPITAL}|\d\s?[bghklmpst]\.{_CAPITAL}|\bdeg\.\s[CFK]\.{_CAPITAL}"
    rf"|\w[.!?][\"”’)]?[¹²³⁰⁴-⁹]{{1,3}}{_CAPITAL}|\b(?!(?:al|vs|ca|inc|dept)\.)[a-z]{{2,}}[.!?](?=\s+\([A-Z][a-z]*\s[a-z])"
)
_MEASURED = re.compile(r"\d[\s-]?[A-Za-z]{1,5}\.$")  # a number and its abbreviated unit: "a 10 min." walk
_OPENING = "\"'“‘([<«"
# The speaker after a quotation that ends with "!" or "?": "Amb. Lee asked on Friday." belongs to it. A full clause
# ("Lee said no.", "Lee said that it was late.") is the next sentence.
_ASKS = re.compile(r"[!?…][\"”’']\Z")
_SAID = re.compile(
    r"[^\W\d_a-z][\w.'’-]*+(?:\s+(?:(?:of|the|for|and|de|la|von|van|der|bin)\s+)*+[^\W\d_a-z][\w.'’-]*+){0,5}+(?:,[^,.]{1,40},)?\s+"
    r"(?:said|says|asked|asks|added|adds|told|tells|replied|shouted|cried|yelled|exclaimed|wondered|demanded"
    r"|joked|quipped|explained|insisted|warned|argued|recalled|declared|tweeted|responded|answered)"
    r"(?:\s+(?:\w+ly|again|later|then|back|aloud|afterwards|yesterday|(?:to\s+)?(?:me|us|him|her|them|reporters|journalists)))*+"
    r"(?:\s+(?:on|in|at|during|after|before|when|as|while|last|the|The)(?:\s+(?:the|a|an|his|her|its|their))?(?:\s+[\w'’-]+){1,2}){0,2}"
    r"(?:[.,;]|\Z)"
)
_NEXT = 120  # characters that are examined after a possible end


def ends(text: str) -> list[int]:
    """Return the ends of the sentences of `text`, ascending; the last is its length. White space goes with either side.

    >>> text = "Shares fell at 9:35 a.m. EST. Amb. Holm left."
    >>> [text[: end].strip() for end in ends(text)][0]
    'Shares fell at 9:35 a.m. EST.'
    """
    # Replaces white space by other white space of the same length: offsets stay, and sentencex 1.0.32 panics on
    # "A\u00a0." (an initial and a non-ASCII space).
    plain = re.sub(r"\s", " ", text)
    found: list[int] = []
    start = 0
    for end in _proposed(plain):
        if end < len(plain) and _goes_on(plain[start:end].strip(), plain[end : end + _NEXT].lstrip()):
            continue
        if left := _OPENING_LEFT.search(plain, start, end):
            end = left.end()
        found.append(end)
        start = end
    return found


def _proposed(plain: str) -> Iterator[int]:
    """Yield the ends that sentencex finds, and the ends that it misses.

    It splits a name such as Blockchain.News into two sentences.
    """
    found = {boundary["end_index"] for boundary in sentencex.get_sentence_boundaries("en", plain)}
    for end in sorted(found.union(match.end() for match in _ENDS_TOO.finditer(plain))):
        if not (end < len(plain) and plain[end - 1] == "." and plain[end].isalnum()):
            yield end


def _goes_on(before: str, after: str) -> bool:
    """Whether a sentence that may end with `before` continues with `after`."""
    if not before or not after or _LIST_MARK.fullmatch(before):
        return bool(after)
    word = after.split(None, 1)[0]
    written = before.rsplit(None, 1)[-1].lstrip(_OPENING)
    last = written.lower()
    if after[0].islower():
        if before.endswith(("”", '"', "’", "'")):  # a quotation and its speaker
            return True
        return _MEASURED.search(before) is not None or _is_short(last.removesuffix("."))
    if last in _TIMES_OF_DAY or re.fullmatch(r"\d{1,2}(?:[:.]\d\d)?[ap]\.m\.", last):
        zone = re.split(r"\W", word.lower(), maxsplit=1)[0] in _AFTER_TIMES
        return zone or bool(_PLACE_TIME.match(after)) or after.startswith(("(", *"0123456789"))
    if _ASKS.search(before):
        return bool(_SAID.match(after))
    if not last.endswith("."):
        return False
    name = re.split(r"[^\w.]", re.sub("['’]", "", last))[-1].removesuffix(".")  # the last part of "Ex-Gov.", "Poe—Mrs."
    if name in _NEVER_LAST:
        return True
    if name in _COUNTED:
        return bool(re.match(r"[~<>±]?\s*(?:[A-Z]{0,3}[$€£¥₹]\s*)?\d", after))
    if name == "deg":
        return bool(re.match(r"(?:[CFKNSEW]|Celsius|Fahrenheit|Kelvin)\b", after))
    if name not in _TITLES or written.isupper() or re.match(r"(?:The|This|It|They)\b", after):  # "BP." is not a title
        return False
    return after[0].isupper() and not (written.islower() and _MEASURED.search(before))  # "25 bp." is not one either


def _is_short(name: str) -> bool:
    """Whether a word is an abbreviation if a full stop and a small letter follow it."""
    return any(name in known for known in (_COUNTED, _SHORT, _TITLES)) or (
        name.isalpha() and not set(name) & set("aeiouy")
    )
