"""A paragraph -> where its sentences end: sentencex, and what it gets wrong in news put right.

Knows sentencex (the only importer in `citewire.index`), titles, times of day and marks of lists. Does not know what
can be quoted. How it compares with other libraries is in docs/index.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import sentencex

# Abbreviations that end no sentence, as far as sentencex does not know them: before a name ...
_TITLES = frozenset(
    "ald amb amn atty capt cllr col det dr drs gen gov govs gens insp lt maj messrs mlle mme mmes mr mrs ms msgr mx "
    "pfc pres prof profs pte pvt rep reps rt sen sens sgt sp spc sra sras srta supt treas".split()
)
# ... and before a number.
_COUNTED = frozenset(
    "abt appr approx art avg ca cal cap ch chap cl col est excl ext fig figs incl max min no nos p para paras "
    "pop pp reg sched sec sect tel temp vol vols".split()
)
_SHORT = frozenset(
    "assn dept etc govt intl natl univ mon tue tues wed thu thur thurs fri jan feb aug sept oct nov dec "
    "ala ariz ark calif colo conn del fla ill ind kan mass mich minn miss mont neb nev okla ore penn tenn tex wash wis "
    "wyo".split()
)
_NEVER_LAST = frozenset("appr approx cf excl incl viz".split())  # whatever follows
_TIMES_OF_DAY = frozenset({"a.m.", "p.m.", "am.", "pm."})
_AFTER_TIMES = frozenset(  # words after a time of day that name its day or time zone
    "mon tue tues wed thu thur thurs fri sat sun monday tuesday wednesday thursday friday saturday sunday jan "
    "feb mar apr may jun jul aug sep sept oct nov dec january february march april june july august september "
    "october november december eastern central mountain pacific atlantic gmt utc bst ist est edt et cst cdt ct "
    "mst mdt mt pst pdt pt akst akdt hst ast adt nst cet cest eet eest wet west msk sast eat wat jst kst hkt "
    "sgt pht pkt wib aest aedt acst awst nzst nzdt brt clt art".split()
)
_LIST_MARK = re.compile(r"[(\[]?(?:\d{1,3}|[A-Za-z]|[ivx]{1,5}|[IVX]{1,5})[.)]")
# sentencex may leave an opening quotation mark or bracket at the end of the sentence before.
_OPENING_LEFT = re.compile(r"(?<=[.!?…])\s+(?=[\"'“‘(\[]\s*$)")
# "No. 5" and "Ill." are abbreviations; in lower case, before a capitalised word, they are words that end a sentence. So
# does a sentence in parentheses, "etc." before a capital, a speed, and the mark of a note.
_ENDS_TOO = re.compile(
    r"\b(?:no|ill)\.(?=\s+[A-Z][a-z])|\w{4}[.!?][)\]](?=\s+[\"“(\[]?[A-Z])|\betc\.(?=\s+[A-Z])|/[a-z]{1,2}\.(?=\s+[A-Z])"
    r"|\w[.!?][\"”’)]?[¹²³⁰⁴-⁹]{1,3}(?=\s+[\"“(\[]?[A-Z])"
)
_MEASURED = re.compile(r"\d[\s-]?[A-Za-z]{1,5}\.$")  # a number and its abbreviated unit: "a 10 min." walk
_OPENING = "\"'“‘([<«"
_NEXT = 80  # characters after a possible end that are looked at


def ends(text: str) -> list[int]:
    """Return where the sentences of `text` end, rising, the last at its end; white space goes with either side.

    >>> text = "Shares fell at 9:35 a.m. EST. Amb. Holm left."
    >>> [text[: end].strip() for end in ends(text)][0]
    'Shares fell at 9:35 a.m. EST.'
    """
    # One white space for another: offsets stay, and sentencex 1.0.32 panics on "A\u00a0." (an initial and a space
    # that is not ASCII).
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
    """Yield the ends that sentencex finds, and those that it passes over.

    It takes a name such as Blockchain.News for two sentences.
    """
    found = {boundary["end_index"] for boundary in sentencex.get_sentence_boundaries("en", plain)}
    for end in sorted(found.union(match.end() for match in _ENDS_TOO.finditer(plain))):
        if not (end < len(plain) and plain[end - 1] == "." and plain[end].isalnum()):
            yield end


def _goes_on(before: str, after: str) -> bool:
    """Whether a sentence goes on behind `before`, with `after`."""
    if not before or not after or _LIST_MARK.fullmatch(before):
        return bool(after)
    word = after.split(None, 1)[0]
    last = before.rsplit(None, 1)[-1].lstrip(_OPENING).lower()
    if after[0].islower():
        if before.endswith(("”", '"', "’")):  # words between quotation marks, and who said them
            return True
        return _MEASURED.search(before) is not None or _is_short(last.removesuffix("."))
    if last in _TIMES_OF_DAY or re.fullmatch(r"\d{1,2}(?:[:.]\d\d)?[ap]\.m\.", last):
        return after.startswith(("(", *"0123456789")) or re.split(r"\W", word.lower(), maxsplit=1)[0] in _AFTER_TIMES
    name = last.removesuffix(".")
    if name == last:
        return False
    if name in _NEVER_LAST:
        return True
    if name in _COUNTED:
        return bool(re.match(r"[~<>±]?\s*(?:[A-Z]{0,3}[$€£¥₹]\s*)?\d", after))
    return name.rpartition("-")[2] in _TITLES and after[0].isupper()  # "Ex-Gov."


def _is_short(name: str) -> bool:
    """Whether a word before a full stop is an abbreviation where the next word has a small letter."""
    return name in _COUNTED or name in _SHORT or (name.isalpha() and not set(name) & set("aeiouy"))
