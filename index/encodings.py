"""Bytes -> text, and the name of the encoding if it is not plain UTF-8.

Knows byte order marks, the usual encodings of English text, and charset-normalizer (the only importer) for
other scripts. A guess is refused if it puts letters in impossible places.
"""

from __future__ import annotations

import codecs
import re
import unicodedata

import webencodings

# Encodings of English text beside UTF-8: Windows, ISO with the euro sign, old Macs, DOS, Windows in Central Europe.
# Of two equally good guesses the earlier one wins.
_LATIN = ("cp1252", "iso8859-15", "mac_roman", "cp850", "cp1250")
_SHOWN = {"cp850": "DOS code page 850", "mac-roman": "Mac Roman", "iso2022_jp_2": "ISO-2022-JP"}
_SHOWN |= {"iso2022_kr": "ISO-2022-KR", "euc_jp": "EUC-JP"}
LATIN_SHARE = 0.5  # least share of ASCII among the letters of a text in one of `_LATIN`
MOST_ODD = 0.2  # largest share of non-ASCII characters in impossible places; above it a guess is refused
MOST_CHAOS = 0.1  # charset-normalizer's measure of the same, 0 to 1
_GUESSED = 200_000  # bytes that are examined for a guess
_WIDE = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_CHARSET = re.compile(rb"""<meta[^<>]+charset\s*+=\s*+["']?\s*+([A-Za-z0-9_.:-]+)""", re.IGNORECASE)
_SEVEN_BITS = re.compile(r"iso-2022-|hz\b|hz-|utf-7")  # encodings that write all characters as ASCII bytes
# Escape sequences of two of these encodings, which often are not stated; their text is valid UTF-8 by accident.
_ESCAPES = ((re.compile(rb"\x1b\$\)C"), "iso2022_kr"), (re.compile(rb"\x1b(?:\$[@B]|\([IJ]|\$\()"), "iso2022_jp_2"))
_KANA = re.compile("[\u3041-\u30ff]")
_JAMO = re.compile("[\u3131-\u318e]")  # single Hangul letters: hiragana of EUC-JP decoded wrongly
KANA_SHARE = 0.2  # least share of kana among the non-ASCII characters of Japanese
_BEYOND = re.compile(r"[^\x00-\x7f]")
_SEQUENCE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")


def text_of(data: bytes, stated: str = "") -> tuple[str, str] | None:
    """Return (text, encoding) of bytes; the encoding is "" if it is UTF-8 or the stated one. None if no guess is safe.

    Args:
        data: a text in any encoding; a byte order mark is removed.
        stated: the encoding that a server, a mail or a page states; "" for none.
    """
    for mark, name in _WIDE:
        if data.startswith(mark):
            return _decoded(data, name)
    if _SEVEN_BITS.match(stated.lower()):  # its bytes look like ASCII
        try:
            return data.decode(stated), ""
        except (UnicodeDecodeError, LookupError):
            pass
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" not in text:
        escaped = next((name for sequence, name in _ESCAPES if sequence.search(data)), "")
        return _decoded(data, escaped) if escaped else (text, "")
    data = data.removeprefix(codecs.BOM_UTF8)
    if wide := _wide_without_mark(data):
        return _decoded(data, wide)
    if b"\0" in data:
        return None
    if (known := _known(stated)) is not None:
        try:
            return known.codec_info.decode(data, "strict")[0], ""
        except UnicodeDecodeError:
            pass
    return _mixed(data, 2) or _guessed(data) or _mixed(data, 1)


def stated_in(page: bytes) -> str:
    """Return the name of the encoding in the `<meta>` of an HTML page, "" if there is none."""
    stated = _CHARSET.search(page[:4096])
    return stated[1].decode("ascii") if stated else ""


def _known(stated: str) -> webencodings.Encoding | None:
    """Return the encoding that browsers use for a name: Windows-1252 for "iso-8859-1"."""
    try:
        name = codecs.lookup(stated).name.replace("iso8859", "iso-8859")
    except (LookupError, ValueError):
        name = stated
    return webencodings.lookup(name) or webencodings.lookup(stated)


def shown(name: str) -> str:
    """Return the usual spelling of an encoding's name."""
    name = codecs.lookup(name).name
    return _SHOWN.get(name) or name.replace("cp125", "Windows-125").replace("utf", "UTF").replace("iso", "ISO")


def _decoded(data: bytes, name: str) -> tuple[str, str] | None:
    try:
        return data.decode(name), shown(name)
    except UnicodeDecodeError:
        return None


def _wide_without_mark(data: bytes) -> str:
    """Return the UTF-16 or UTF-32 encoding of data without a mark, else "".

    In English text most characters of these encodings have a zero byte at the same place.
    """
    start = data[: _GUESSED & ~1]
    even, odd = start[::2], start[1::2]
    if len(start) < 4 or len(data) % 2:
        return ""
    shares = (even.count(0) / len(even), odd.count(0) / len(odd))
    quarters = [start[at::4].count(0) / len(start[at::4]) for at in range(4)]
    if len(data) % 4 == 0 and max(min(quarters[2:]), min(quarters[:2])) > 0.9:
        return "utf-32-be" if quarters[0] > quarters[3] else "utf-32-le"
    if max(shares) < 0.5 or min(shares) > 0.05:
        return ""
    return "utf-16-be" if shares[0] > shares[1] else "utf-16-le"


def _mixed(data: bytes, least: int) -> tuple[str, str] | None:
    """Return a text in UTF-8 with a few stray bytes, which were pasted from a text in Windows-1252.

    Args:
        data: the text.
        least: fewest characters of UTF-8 in all, and for each stray byte.
    """
    sequences = len(_SEQUENCE.findall(data))
    text = data.decode("utf-8-sig", "surrogateescape")
    stray = re.findall("[\udc80-\udcff]", text)
    if sequences < least * max(1, len(stray)):
        return None
    own = {one: bytes([ord(one) - 0xDC00]).decode("cp1252", "replace") for one in set(stray)}
    for one, character in own.items():
        text = text.replace(one, character)
    return text, f"UTF-8 with {len(stray)} characters of Windows-1252"


def _guessed(data: bytes) -> tuple[str, str] | None:
    telling = data if len(data) <= _GUESSED else b"\n".join(line for line in data.splitlines() if not line.isascii())
    sample = telling[:_GUESSED]
    letters = sum(1 for byte in sample if byte < 0x80 and chr(byte).isalpha())
    beyond = sum(1 for byte in sample if byte >= 0x80)
    if letters < LATIN_SHARE * (letters + beyond):
        return _other_script(data)
    guesses: list[tuple[int, int, str]] = []
    for rank, name in enumerate(_LATIN):
        try:
            data.decode(name)
            guesses.append((_odd(sample.decode(name)), rank, name))
        except UnicodeDecodeError:
            continue
    (odd, rank, name), *others = sorted(guesses)
    if odd > MOST_ODD * beyond or (rank and others and others[0][0] == odd):
        return None  # an equally good guess is accepted only for Windows-1252, because it is so common
    return _decoded(data, name)


def _other_script(data: bytes) -> tuple[str, str] | None:
    for name in ("euc_jp", "cp932"):
        found = _decoded(data, name)
        if found and len(_KANA.findall(found[0])) > KANA_SHARE * len(_BEYOND.findall(found[0])):
            return found
    import charset_normalizer  # imported late: seldom needed, and every child that reads files would wait for it

    wide = ["utf_16", "utf_16_be", "utf_16_le", "utf_32", "utf_32_be", "utf_32_le", "utf_7"]
    best = charset_normalizer.from_bytes(data[:_GUESSED], cp_exclusion=wide).best()
    if best is None or best.chaos > MOST_CHAOS or (best.coherence <= 0 and best.multi_byte_usage < 0.5):
        return None  # valid characters of several bytes are no accident
    found = _decoded(data, best.encoding)
    return None if found is None or _JAMO.search(found[0]) else found


def _odd(text: str) -> int:
    """Count non-ASCII characters in places where European languages have none."""
    odd = sum(len(run[0]) for run in _RUN.finditer(text)) + len(_ODD.findall(text))
    odd += sum(
        len(re.findall(rf"(?<!\d){closing}", text))
        for opening, closing in ("“”", "‹›")
        if opening not in text and "„" not in text and text.count('"') % 2 == 0
    )
    odd += sum(text.count(mark) for mark, other in ("‡†", "«»", "‚‘") if mark in text and other not in text)
    for found in _BEYOND.finditer(text):
        before, after = text[found.start() - 1 : found.start()], text[found.end() : found.end() + 1]
        category = unicodedata.category(found[0])
        inside = before.isalpha() and after.isalpha()
        if category in ("Lu", "Lt"):  # after a small letter or a digit, or a word by itself
            odd += before.islower() or before.isdigit() or (before.isupper() and after.islower())
            odd += not (before.isalpha() or after.isalpha() or found[0] in "ÀÅ")
        elif category == "Ll":
            odd += (before.isupper() and after.isupper()) or before.isdigit() or found[0] in "ƒıðþđţ"
            odd += not before.isalpha() and not after.isalpha() and found[0] not in "àèéìòóùyeaoí"
        elif category in ("Cc", "Co", "Cn", "Sk", "So", "Lm") and found[0] not in "©®™°":
            odd += 1
        elif category == "Sc":  # nobody writes "¤"; it is the euro sign of ISO 8859-15
            odd += inside or found[0] == "¤" or (after.isalpha() and not after.isascii())
            odd += found[0] in "¢¥" and before.isdigit() and after.isalpha()  # "2¾M" decoded as Windows-1252
        elif found[0] in "¼½¾" and before.isdigit() and "a" <= after <= "z":  # "1½lb"
            continue
        elif category in ("Sm", "No", "Lo"):
            odd += inside or (before.isalpha() and category != "Lo") or (after.isalpha() and category != "Sm")
        elif category != "Zs":
            odd += _is_odd_mark(found[0], before, after)
    return odd


def _is_odd_mark(mark: str, before: str, after: str) -> bool:
    inside = before.isalpha() and after.isalpha()
    if unicodedata.category(mark) == "Ps" or mark in "‚„‘‰":  # opening marks, and "‰"
        return before.isalpha()
    if mark in "¿¡":
        return before.isalnum() or not after.isalpha()
    if mark == "·":  # correct in Catalan, or between words
        return (before.isalpha() or after.isalpha()) and (before + after).lower() != "ll"
    if mark == "…":
        return before.isupper() and after.isupper()
    if mark == "–":  # the ñ of old Macs
        return inside and before in "aeiou" and after in "aeiou"
    return inside and mark not in "’'—-‐‑"


_FIRM = "bcdfghjkmnpqstvwxz"  # between these consonants š and ž are very rare
# Each of these shows a wrong decoding even in a text with a single accented word: a sign in the wrong place of a word,
# and Slavic or Icelandic letters among consonants, such as "Malmš" and "Þnance" from Mac Roman.
_ODD = re.compile(
    r"(?<!\w)[®†](?=[^\W\d_])|€(?=[acdefghijlnoqrsuvwxyz])|(?<!\d)[^\S\n]?¥(?![^\S\n]?\d)|(?<=[^\W\d_])ª|(?<![^\W\d_])\xad(?=\w)"
    rf"|Þ(?=[b-dfghk-np-tw-z])|(?i:(?<=[{_FIRM}])[šž](?![aeiouyáéíóúrl]))|\bš(?=[bdfgh])"
    r"|(?<=[^\W\d_])—(?=[b-zB-HJ-NP-Z]\b(?!['’]))"
)
_RUN = re.compile(r"(?:([^\x00-\x7f\s])(?!\1)){4,}")  # like a word of another script; "———" is a line
