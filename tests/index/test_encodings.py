"""Text is decoded in its own encoding, a guess is reported, and the language is named if it is clear."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest
from documents import page
from embedders import HashedWordsEmbedder

from citewire.index.build import Note, build_index
from citewire.index.documents import Document, Refused
from citewire.index.encodings import text_of
from citewire.index.formats import Request, read
from citewire.index.languages import language_of
from citewire.index.store import Index

ENGLISH = "“It’s over,” said Mr. Müller at the Café Zoë – and paid €5 for a naïve résumé…"
MAC = ENGLISH.replace("€", "£")
RUSSIAN = "Президент сказал в понедельник, что переговоры закончились, а новых встреч не будет до осени."
GREEK = "Ο πρόεδρος είπε τη Δευτέρα ότι οι συνομιλίες τελείωσαν και ότι δεν θα υπάρξουν άλλες."


@pytest.mark.parametrize(
    ("text", "encoding", "shown"),
    [
        (ENGLISH, "utf-8", ""),
        (ENGLISH, "utf-8-sig", ""),
        (ENGLISH, "cp1252", "Windows-1252"),
        ("The café costs 5.", "cp1252", "Windows-1252"),
        ("caf", "utf-8-sig", ""),
        ("It’s 5.", "cp1252", "Windows-1252"),
        ("A 5 °C rise, ½ of it by ©Acme.", "cp1252", "Windows-1252"),
        ("A 1½lb bag by a 55” TV.", "cp1252", "Windows-1252"),
        ("He’s 6’4” tall", "cp1252", "Windows-1252"),
        (MAC, "mac_roman", "Mac Roman"),
        ("It’s 5 for “all” of us — now.", "mac_roman", "Mac Roman"),
        ("The café of Mr. Müller is naïve.", "cp850", "DOS code page 850"),
        (ENGLISH, "utf-16", "UTF-16"),
        (ENGLISH, "utf-32", "UTF-32"),
        (ENGLISH, "utf-16-le", "UTF-16-le"),
        (ENGLISH, "utf-16-be", "UTF-16-be"),
        (ENGLISH, "utf-32-le", "UTF-32-le"),
        (ENGLISH, "utf-32-be", "UTF-32-be"),
        ("The café cost 5 € and Zoë left the façade.", "iso8859-15", "ISO8859-15"),
        (RUSSIAN, "cp1251", "Windows-1251"),
        (RUSSIAN, "koi8_r", "koi8-r"),
        (GREEK, "cp1253", "Windows-1253"),
        ("总理星期一表示会谈已经结束。" * 6, "gb18030", "gb18030"),
        ("日曜日にフェリーが沈没した。乗客は全員漁師に救助された。" * 4, "shift_jis", "cp932"),
        ("フェリーが日曜日に沈没した。", "euc_jp", "EUC-JP"),
        ("フェリーが日曜日に沈没した。", "cp932", "cp932"),
        ("フェリーが日曜日に沈没した。", "iso2022_jp", "ISO-2022-JP"),
        ("The mayor of Łódź said so.", "cp1250", "Windows-1250"),
        ("ÉCOLE FERMÉE À NÎMES", "cp1252", "Windows-1252"),
        ("ÉCOLE FERMÉE À NÎMES", "mac_roman", "Mac Roman"),
        ("It’s 5°C", "mac_roman", "Mac Roman"),
        ("It’s 5°C", "cp1252", "Windows-1252"),
        ("Größe und Maß", "cp850", "DOS code page 850"),
        ("Größe und Maß", "cp1252", "Windows-1252"),
        ("Ångström and Étoile opened. À la carte.", "cp1252", "Windows-1252"),
        ("Señor Peña of São Paulo said ¡olé!", "mac_roman", "Mac Roman"),
        ("Holm FK of Malmö won on Monday.", "mac_roman", "Mac Roman"),
        ("A man of Ægir said so.", "mac_roman", "Mac Roman"),
        ("• One\r• Two", "mac_roman", "Mac Roman"),
        ("The Holm—Tarn line—a long one—and Dee—I think—by Poe—C's", "cp1252", "Windows-1252"),
        ('"It is open," he said. "We are glad.”', "cp1252", "Windows-1252"),
        ("Miloš Šimek of Holm†, $5 or ¥ 5, 5ª.", "cp1252", "Windows-1252"),
        ("The north–south line, £m 5 and €bn 2… “No,” he said", "cp1252", "Windows-1252"),
    ],
)
def test_an_encoding_is_told_and_named(text: str, encoding: str, shown: str) -> None:
    assert text_of(text.encode(encoding)) == (text, shown)


def test_a_byte_order_mark_of_the_other_end_is_one_too() -> None:
    data = codecs.BOM_UTF16_BE + ENGLISH.encode("utf-16-be")
    assert text_of(data) == (ENGLISH, "UTF-16")


def test_what_is_stated_needs_no_guess() -> None:
    polish = "Prezes Kaczyński był w Łodzi."
    assert text_of(polish.encode("iso8859_2"), "iso-8859-2") == (polish, "")
    assert text_of(ENGLISH.encode("cp1252"), "iso-8859-1") == (ENGLISH, "")  # as browsers do
    assert text_of(ENGLISH.encode(), "iso-8859-1") == (ENGLISH, "")  # text is hardly ever valid UTF-8 by chance
    assert text_of(ENGLISH.encode("cp1252"), "nonsense") == (ENGLISH, "Windows-1252")


def test_an_encoding_of_seven_bits_is_read_where_it_is_stated() -> None:
    japanese = "フェリーが沈没した。"
    assert text_of(japanese.encode("iso-2022-jp"), "ISO-2022-JP") == (japanese, "")
    assert text_of("It’s a café.".encode("utf-7"), "utf-7") == ("It’s a café.", "")
    assert text_of("It’s a café.".encode(), "iso-2022-jp") == ("It’s a café.", "")


def test_a_few_stray_bytes_do_not_cost_the_others() -> None:
    data = "Zürich, Köln und Málaga. ".encode() + "It’s late.".encode("cp1252")
    assert text_of(data) == ("Zürich, Köln und Málaga. It’s late.", "UTF-8 with 1 characters of Windows-1252")
    data = "The café is open. ".encode() + "It’s late.".encode("cp1252")
    assert text_of(data) == ("The café is open. It’s late.", "UTF-8 with 1 characters of Windows-1252")


@pytest.mark.parametrize(
    "data",
    [
        b"abc\0def\xff",
        bytes(range(128, 256)) * 3,
        b"MZ\x90\0\x03\0\0\0\x04",
        *("The paper Правда said so.".encode(name) for name in ("cp1251", "koi8_r", "iso8859_5")),
        "The Greek paper Καθημερινή said so.".encode("cp1253"),
        "The mayor of Łódź said so.".encode("iso8859_2"),
        "Erdoğan won in Şahin.".encode("cp1254"),
        "Malmö won.".encode("cp850"),
        "Noël won.".encode("mac_roman"),
        "A 1½M bag.".encode("cp1252"),
        "일본의 배가 침몰했다.".encode("cp949"),
        b"A \x1b$Bcut",
    ],
)
def test_what_no_guess_is_safe_for_is_refused(data: bytes) -> None:
    assert text_of(data) is None


def document(data: bytes, kind: str) -> Document:
    (found,) = read(data, Request(kind, f"x{kind}"))
    assert isinstance(found, Document), found
    return found


NOTE = ("is read as Windows-1252, as it is not UTF-8",)


def test_every_format_of_text_is_read_in_windows_1252_and_says_so() -> None:
    data = ENGLISH.encode("cp1252")
    assert document(data, ".txt") == Document(ENGLISH, notes=NOTE)
    assert document(data, ".md") == Document(ENGLISH, notes=NOTE)
    assert document(b'{"text": "' + data + b'"}', ".jsonl") == Document(ENGLISH, part="#1", notes=NOTE)
    assert document(b'text\n"' + data + b'"\n', ".csv") == Document(ENGLISH, part="#2", notes=NOTE)
    html = page(paragraphs=[ENGLISH] * 3).decode().replace("<meta charset='utf-8'>", "").encode("cp1252")
    assert ENGLISH in document(html, ".html").text
    assert document(html, ".html").notes == NOTE
    feed = "<rss><channel><item><description>" + ENGLISH + "</description></item></channel></rss>"
    assert document(feed.encode("cp1252"), ".xml").text == ENGLISH
    mail = f"From: a@x.example\nSubject: S\nContent-Type: text/plain\nContent-Transfer-Encoding: 8bit\n\n{ENGLISH}"
    assert document(mail.encode("cp1252"), ".eml").text == ENGLISH
    assert document(mail.encode("cp1252"), ".eml").notes == NOTE


def test_utf_16_is_read_in_every_format_of_text() -> None:
    for encoding in ("utf-16", "utf-16-le"):
        assert document(ENGLISH.encode(encoding), ".txt").text == ENGLISH
        assert document(f'{{"text": "{ENGLISH}"}}'.encode(encoding), ".jsonl").text == ENGLISH
        assert document(f"text;n\n{ENGLISH};1\n".encode(encoding), ".csv").text == ENGLISH
    assert ENGLISH in document(page(paragraphs=[ENGLISH] * 3).decode().encode("utf-16"), ".html").text


def test_a_page_in_an_encoding_that_cannot_be_told_says_what_is_left_out() -> None:
    html = page(paragraphs=["The paper Правда said so."] * 3).decode().replace("<meta charset='utf-8'>", "")
    found = document(html.encode("cp1251"), ".html")
    assert "The paper said so." in found.text
    assert found.notes == ("holds characters of an encoding that cannot be told; they are left out",)


def test_a_record_in_another_encoding_does_not_cost_those_in_utf_8() -> None:
    lines = '{"text": "Zürich, Köln, Málaga."}\n'.encode() + '{"text": "It’s late."}\n'.encode("cp1252")
    assert [one.text for one in read(lines, Request(".jsonl", "x")) if isinstance(one, Document)] == [
        "Zürich, Köln, Málaga.",
        "It’s late.",
    ]


# -- languages ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The minister said on Monday that the talks were over and would not be held again.", "English"),
        ("Der Minister sagte am Montag, die Gespräche seien beendet und würden nicht fortgesetzt.", "German"),
        ("Le ministre a déclaré lundi que les discussions étaient terminées.", "French"),
        ("El ministro dijo el lunes que las conversaciones habían terminado.", "Spanish"),
        (RUSSIAN, "Russian"),
        (GREEK, "Greek"),
        ("首相は月曜日に会談が終わったと述べた。", "Japanese"),
        ("市长说港口将关闭一年。", "Chinese"),  # Wu is as likely
        ("قال العمدة إن الميناء سيغلق لمدة عام.", "Arabic"),
        ("Havnen lukkes i et år, siger borgmesteren.", "Danish"),
        ("Bitcoin up", ""),
        ("Revenue: $64.2 million; Q3 EPS 0.33, FY 2024 and Q4 2025 (est.), EBIT", ""),
        ("", ""),
    ],
)
def test_a_language_is_named_where_it_is_clear(text: str, language: str) -> None:
    assert language_of(text) == language


GERMAN = "Der Minister sagte am Montag, die Gespräche seien beendet und würden nicht fortgesetzt."


def test_the_report_names_encodings_and_other_languages(tmp_path: Path) -> None:
    news = tmp_path / "news"
    news.mkdir()
    (news / "a.txt").write_bytes(ENGLISH.encode("cp1252"))
    (news / "b.txt").write_text(GERMAN)
    (news / "c.txt").write_text("The talks were over on Monday, the minister said, and would not be held again.")
    built = build_index([news], tmp_path / "index", HashedWordsEmbedder())
    assert built.notes == (
        Note("a.txt", "is read as Windows-1252, as it is not UTF-8"),
        Note("b.txt", "is in German; citewire reads English only"),
    )
    with Index.open(tmp_path / "index") as index:
        assert index.article("a.txt").text == ENGLISH
    assert build_index([news], tmp_path / "index", HashedWordsEmbedder()).notes == ()  # nothing was read in this run


def test_an_index_of_another_language_says_so_at_indexing(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(GERMAN)
    (tmp_path / "b.txt").write_text(GREEK)
    built = build_index([tmp_path / "a.txt", tmp_path / "b.txt"], tmp_path / "index", HashedWordsEmbedder())
    assert [note.text.partition(":")[0] for note in built.notes] == [
        "is in German; citewire reads English only",
        "is in Greek; citewire reads English only",
        "English only",
    ]


def test_a_binary_file_stays_refused() -> None:
    (found,) = read(b"abc\0def", Request(".txt", "x.txt"))
    assert found == Refused("is a binary file: NUL at byte offset 3", "Save the article as plain text")


def test_a_long_text_is_guessed_by_the_lines_that_tell() -> None:
    plain = "The council met on Monday and voted for the budget of the town.\n" * 5_000
    text = f"{plain}The mayor of Málaga said the café’s “naïve” façade cost £3,000.\n{plain}"
    assert text_of(text.encode("mac_roman")) == (text, "Mac Roman")
