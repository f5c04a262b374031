from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from documents import PARAGRAPHS, page, pdf, zipped

from citewire.index.articles import Kept, ReadOptions, Rejected, read_articles
from citewire.index.documents import Limits, UnusableError
from citewire.index.errors import InputError
from citewire.index.types import Article
from citewire.index.web import Page
from citewire.seeds import seeds_folder

pytestmark = pytest.mark.slow  # processes, servers or real networks


def write(folder: Path, **files: str | bytes) -> Path:
    """Write each NAME=CONTENT to NAME.txt below `folder`; `__` in a name means a slash."""
    for name, content in files.items():
        file = folder / f"{name.replace('__', '/')}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


@dataclass(frozen=True)
class Reading:
    articles: list[Article]
    rejected: list[Rejected]
    kept: list[Kept]


def read(*sources: Path | str, **asked: Any) -> Reading:
    """Return the results of `read_articles`, sorted by type."""
    found = list(read_articles(sources, **asked))
    return Reading(
        [one for one in found if isinstance(one, Article)],
        [one for one in found if isinstance(one, Rejected)],
        [one for one in found if isinstance(one, Kept)],
    )


def only_rejected(folder: Path) -> Rejected:
    """Add a good article to `folder`, read it, and return the only rejected file."""
    reading = read(write(folder, good="Good."))
    assert [article.path for article in reading.articles] == ["good.txt"]
    (rejected,) = reading.rejected
    return rejected


def test_a_folder_is_read_recursively_and_sorted_with_text_unchanged(tmp_path: Path) -> None:
    text = "\ufeffFirst line\r\n\r\n  “quoted” 😀 e\u0301\nlast\n\n"
    write(tmp_path, b="Second.", a__z="Deep.", a__b__c=text, C="Upper.")
    (tmp_path / "README.md").write_text("not an article")
    (tmp_path / ".hidden.txt").write_text("hidden")
    write(tmp_path / ".git", secret="hidden")
    reading = read(tmp_path)
    assert [article.path for article in reading.articles] == ["C.txt", "a/b/c.txt", "a/z.txt", "b.txt"]
    assert reading.articles[1].text == text[1:]
    assert reading.rejected == []


def test_the_seeds_are_read_with_what_they_state() -> None:
    reading = read(seeds_folder())
    assert reading.rejected == []
    assert [(a.path[:3], a.outlet, a.author, a.published, a.url) for a in reading.articles] == [
        ("000", "Cryptonews", "", "", ""),
        ("001", "Blockchain.News", "", "2025-06-29", ""),
        ("002", "", "", "", ""),
        ("003", "", "", "", ""),
        ("004", "", "", "", ""),
    ]
    for article in reading.articles:
        assert article.text.encode() == (seeds_folder() / article.path).read_bytes()
        assert article.title in article.text
    assert [bool(article.title) for article in reading.articles] == [True, True, False, False, False]


def test_the_digest_is_that_of_the_article_and_not_of_its_file(tmp_path: Path) -> None:
    def one(name: str = "a.txt", **asked: Any) -> Article:
        return next(article for article in read(tmp_path, **asked).articles if article.path == name)

    first = (write(tmp_path, a="Text."), one())[1]
    assert one() == first
    renamed = (write(tmp_path, b="Text."), one("b.txt"))[1]
    assert renamed.sha256 == first.sha256
    assert renamed.source != first.source
    (tmp_path / "metadata.json").write_text('{"b.txt": {"title": "T"}}')
    assert one("b.txt").sha256 != first.sha256
    assert one("b.txt").source != renamed.source
    assert one() == first  # another article's metadata changes nothing
    write(tmp_path, a="Text!")
    assert one().sha256 != first.sha256
    assert one(options=ReadOptions(fields={"text": "story"})).source != one().source
    assert {len(first.sha256), len(first.source)} == {64}


def test_what_is_stored_is_not_read_again(tmp_path: Path) -> None:
    write(tmp_path, a="Text.")
    (tmp_path / "w.jsonl").write_text('{"text": "A."}\n{"text": "B."}\n')
    (tmp_path / "page.html").write_bytes(page())
    stored: dict[str, tuple[str, ...]] = {}
    for article in read(tmp_path).articles:
        stored[article.source] = (*stored.get(article.source, ()), article.path)
    assert sorted(stored.values()) == [("a.txt",), ("page.html",), ("w.jsonl#1", "w.jsonl#2")]
    (tmp_path / "page.html").write_bytes(page(title="Dam holds"))
    again = read(tmp_path, stored=lambda source: stored.get(source, ()))
    assert [(kept.paths, stored[kept.source]) for kept in again.kept] == [
        (("a.txt",), ("a.txt",)),
        (("w.jsonl#1", "w.jsonl#2"), ("w.jsonl#1", "w.jsonl#2")),
    ]
    assert [(article.path, article.title) for article in again.articles] == [("page.html", "Dam holds")]


def test_files_given_by_name_are_articles_under_their_name(tmp_path: Path) -> None:
    write(tmp_path, sub__one="One.", two="Two.")
    reading = read(tmp_path / "sub" / "one.txt", tmp_path / "two.txt")
    assert [article.path for article in reading.articles] == ["one.txt", "two.txt"]


def test_two_paths_with_the_same_article_are_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path, x__same="One.", y__same="Two.")
    with pytest.raises(InputError) as caught:
        read_articles([tmp_path / "x", tmp_path / "y"])
    assert str(tmp_path / "x" / "same.txt") in caught.value.problem
    assert str(tmp_path / "y" / "same.txt") in caught.value.problem


@pytest.mark.parametrize(
    ("content", "reason", "fix"),
    [
        (b"", "is empty", "remove"),
        (b" \n\t\xc2\xa0\n", "holds only white space", "remove"),
        (b"\xef\xbb\xbf", "is empty", "remove"),
        ("\u00ad\u200b \u2060".encode(), "holds only invisible characters", "remove"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is a binary file: NUL at byte offset 8", "plain text"),
        (b"\x1b\x02\x03text", "is a binary file: 3 control characters", "plain text"),
        (bytes(range(160, 256)), "is in an encoding that cannot be told", "UTF-8"),
    ],
)
def test_a_bad_file_is_left_out_with_reason_and_fix(tmp_path: Path, content: bytes, reason: str, fix: str) -> None:
    rejected = only_rejected(write(tmp_path, bad=content))
    assert rejected.path == str(tmp_path / "bad.txt")
    assert reason in rejected.reason
    assert fix in rejected.fix


def test_a_stray_control_character_in_a_long_text_is_kept(tmp_path: Path) -> None:
    text = "A sentence. " * 20 + "\x0b\x1f"
    assert read(write(tmp_path, a=text)).articles[0].text == text


def test_a_file_over_the_limit_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, over="0123456789x", letters="0123456789", good="Good.")
    found = read(tmp_path, options=ReadOptions(limits=Limits(bytes=10, characters=9)))
    assert [(Path(one.path).name, one.reason) for one in found.rejected] == [
        ("letters.txt", "is too large: 10 characters of text, at most 9"),
        ("over.txt", "is too large: 11 bytes, at most 10 are read"),
    ]


def test_a_named_pipe_is_left_out_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    assert only_rejected(tmp_path).reason == "is not a regular file"


def test_a_link_to_nothing_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere.txt")
    assert only_rejected(tmp_path).reason.startswith("cannot be read: No such file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_left_out(tmp_path: Path) -> None:
    (write(tmp_path, secret="Text.") / "secret.txt").chmod(0)
    assert only_rejected(tmp_path).reason == "cannot be read: Permission denied"


def test_links_out_of_the_folder_are_left_out_and_links_inside_are_read(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", secret="Secret.")
    inside = write(tmp_path / "inside", good="Good.")
    (inside / "link.txt").symlink_to(outside / "secret.txt")
    (inside / "linked").symlink_to(outside)
    (inside / "twin.txt").symlink_to(inside / "good.txt")
    reading = read(inside)
    assert [article.path for article in reading.articles] == ["good.txt", "twin.txt"]
    assert {Path(r.path).name: r.reason.split(",")[0] for r in reading.rejected} == {
        "link.txt": f"is a link that leads out of {inside}",
        "linked": "is a linked folder",
    }


@pytest.mark.parametrize("name", [b"caf\xe9.txt", b"new\nline.txt", b"esc\x1b[31m.txt"])
def test_a_name_that_cannot_identify_an_article_is_left_out(tmp_path: Path, name: bytes) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_text("Text.")
    rejected = only_rejected(tmp_path)
    assert rejected.reason == "has a name that is not UTF-8 or holds control characters or invisible ones"
    assert rejected.path.encode().isascii()
    assert rejected.path.isprintable()


def test_a_missing_path_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no .*/nowhere\. Name a folder"):
        read_articles([write(tmp_path, a="Text."), tmp_path / "nowhere"])


def test_no_path_is_an_error() -> None:
    with pytest.raises(InputError, match="no path"):
        read_articles([])


def test_a_folder_without_articles_is_an_error_even_beside_a_good_one(tmp_path: Path) -> None:
    write(tmp_path / "good", a="Text.", b=b"\0")
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "x.png").write_bytes(b"\x89PNG")
    with pytest.raises(InputError, match="none holds no files that can be read"):
        read_articles([tmp_path / "good", tmp_path / "none"])


def test_a_file_of_another_kind_is_an_error(tmp_path: Path) -> None:
    for name, fix in (("x.doc", "Save it as .docx or .txt"), ("x.png", "Save it in one of these formats: .atom, .csv")):
        (tmp_path / name).write_bytes(b"x")
        with pytest.raises(InputError, match=rf"{name} is not of a format that can be read\. {fix}"):
            read_articles([tmp_path / name])


def test_errors_come_before_anything_is_read(tmp_path: Path) -> None:
    os.mkfifo(write(tmp_path, a="Text.") / "pipe.txt")  # reading a pipe would block
    with pytest.raises(InputError, match="there is no"):
        read_articles([tmp_path, tmp_path / "nowhere"])


def test_one_file_after_another_is_read_as_the_articles_are_taken(tmp_path: Path) -> None:
    found = read_articles([write(tmp_path, a="A.", b="B.")])
    assert isinstance(first := next(found), Article)
    (tmp_path / "b.txt").write_text("Later.")
    assert [first.text, *(one.text for one in found if isinstance(one, Article))] == ["A.", "Later."]


# -- formats ------------------------------------------------------------------------------------------------


def test_a_folder_of_all_kinds_is_read_and_what_cannot_be_is_named(tmp_path: Path) -> None:
    write(tmp_path, a="Text.")
    files: dict[str, bytes] = {
        "README.md": b"about the folder",
        "b.HTM": page(),
        "broken.pdf": b"%PDF-1.4",
        "c.pdf": pdf([[PARAGRAPHS[0]]]),
        "named.txt": pdf([["x"]]),
        "old.doc": b"\xd0\xcf",
        "photo.jpg": b"\xff\xd8",
        "settings.json": b"{}",
        "week.zip": zipped({"monday.txt": "Monday.", "deep/w.csv": "text,id\nRow.,r1\n,\n"}),
        "wire.jsonl": b'{"text": "One."}\n{}\n',
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    found = read(tmp_path)
    assert [(one.path, one.text) for one in found.articles] == [
        ("a.txt", "Text."),
        ("b.HTM", "\n".join(("Dam breaks", *PARAGRAPHS))),
        ("c.pdf", PARAGRAPHS[0]),
        ("week.zip/monday.txt", "Monday."),
        ("week.zip/deep/w.csv#r1", "Row."),
        ("wire.jsonl#1", "One."),
    ]
    assert [(one.path.removeprefix(f"{tmp_path}/"), one.reason.split(":")[0]) for one in found.rejected] == [
        ("old.doc", "is a .doc file, which cannot be read"),
        ("broken.pdf", "is a broken PDF"),
        ("named.txt", "is a PDF named .txt"),
        ("settings.json#1", "has no text in 'text'; it has "),
        ("wire.jsonl#2", "has no text in 'text'; it has "),
    ]
    assert len({one.source for one in found.articles}) == 5


def test_columns_are_mapped_by_the_options(tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text("story,when\nText.,2022/06/16\n")
    (one,) = read(tmp_path, options=ReadOptions(fields={"text": "story", "published": "when"})).articles
    assert (one.text, one.published) == ("Text.", "2022-06-16")


def test_two_containers_cannot_give_the_same_article(tmp_path: Path) -> None:
    (tmp_path / "x" / "w.zip").mkdir(parents=True)
    (tmp_path / "x" / "w.zip" / "a.txt").write_text("From the folder.")
    (tmp_path / "y").mkdir()
    (tmp_path / "y" / "w.zip").write_bytes(zipped({"a.txt": "From the zip.", "b.txt": "B."}))
    found = read(tmp_path / "x", tmp_path / "y")
    assert [(one.path, one.text) for one in found.articles] == [("w.zip/a.txt", "From the zip."), ("w.zip/b.txt", "B.")]
    assert [one.path for one in found.rejected] == [str(tmp_path / "x" / "w.zip" / "a.txt")]
    assert [one.reason for one in found.rejected] == ["would be a second article 'w.zip/a.txt'"]


# -- web addresses ------------------------------------------------------------------------------------------


def test_a_web_address_is_refused_unless_allowed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"https://x\.example/a is a web address, and fetching is off"):
        read_articles([write(tmp_path, a="Text."), "https://x.example/a"])


def test_pages_from_the_web_are_articles(tmp_path: Path) -> None:
    feed = b"<rss><channel><title>D</title><item><description>Rain.</description></item></channel></rss>"
    pages = {
        "https://x.example/dam": Page(page(), "https://x.example/2/dam", ".html"),
        "https://x.example/feed": Page(feed, "https://x.example/feed", ".xml"),
        "https://x.example/note": Page(b"Note.", "https://x.example/note", ".txt"),
        "https://x.example/bad": Page(b"", "https://x.example/bad", ".txt"),
    }

    def fetch(url: str) -> Page:
        if url not in pages:
            raise UnusableError("was answered with HTTP status 404", "Check the address")
        return pages[url]

    sources = [*pages, "https://x.example/gone?a=b c", str(write(tmp_path / "f", a="Text."))]
    found = read(*sources, options=ReadOptions(allow_web=True), fetch=fetch)
    assert [(one.path, one.url, one.text[:5]) for one in found.articles] == [
        ("a.txt", "", "Text."),
        ("x.example/dam", "https://x.example/2/dam", "Dam b"),
        ("x.example/feed#1", "https://x.example/feed", "Rain."),
        ("x.example/note", "https://x.example/note", "Note."),
    ]
    assert [(one.path, one.reason) for one in found.rejected] == [
        ("https://x.example/bad", "is empty"),
        ("https://x.example/gone?a=b c", "was answered with HTTP status 404"),
    ]


# -- metadata -----------------------------------------------------------------------------------------------


def read_with(folder: Path, metadata: object) -> Reading:
    text = metadata if isinstance(metadata, str) else json.dumps(metadata)
    (write(folder, a="Text.", sub__b="Text.") / "metadata.json").write_text(text)
    return read(folder)


def test_metadata_fills_the_fields_and_may_stand_in_a_folder_below(tmp_path: Path) -> None:
    write(tmp_path, sub__b="Text.")
    (tmp_path / "sub" / "metadata.json").write_text('{"b.txt": {"outlet": "O", "published": "2024-02-29", "url": ""}}')
    first, second = read_with(
        tmp_path, {"a.txt": {"title": "T", "author": "A & B", "url": "https://example.org/x"}}
    ).articles
    assert (first.title, first.outlet, first.author, first.published, first.url) == (
        "T",
        "",
        "A & B",
        "",
        "https://example.org/x",
    )
    assert (second.outlet, second.published, second.url) == ("O", "2024-02-29", "")


@pytest.mark.parametrize(
    ("metadata", "problem"),
    [
        ("{", "is not valid JSON"),
        ("[" * 100_000, "is not valid JSON"),
        ('{"a.txt": {}, "a.txt": {}}', "the key 'a.txt' stands twice"),
        ([], "is not a JSON object"),
        ({"a.txt": "title"}, "the entry 'a.txt' is not an object"),
        ({"a.txt": {"titel": "T"}}, "the entry 'a.txt' has the unknown key 'titel'"),
        ({"a.txt": {"title": 7}}, "has a 'title' that is not one line of text: 7"),
        ({"a.txt": {"title": "two\nlines"}}, "that is not one line of text"),
        ({"a.txt": {"published": "29.06.2025"}}, "has the 'published' '29.06.2025'"),
        ({"a.txt": {"published": "20250629"}}, "has the 'published' '20250629'"),
        ({"a.txt": {"published": "2025-02-30"}}, "has the 'published' '2025-02-30'"),
        ({"a.txt": {"url": "javascript:alert(1)"}}, "has the 'url' 'javascript:alert(1)'"),
        ({"a.txt": {"url": "http://[x"}}, "has the 'url' 'http://[x'"),
        ({"c.txt": {"title": "T"}}, "the entry 'c.txt' names a file that is not there"),
        ({"a.txt#1": {"title": "T"}}, "the entry 'a.txt#1' names a file that is not there"),
        ({"a.txt": {"metadata": "x"}}, "has 'metadata' that are not a few short lines of text by name: 'x'"),
        ({"a.txt": {"metadata": {"desk": 3}}}, "that are not a few short lines of text by name: {'desk': 3}"),
    ],
)
def test_wrong_metadata_is_an_error_with_file_and_value(tmp_path: Path, metadata: object, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        read_with(tmp_path, metadata)
    assert str(tmp_path / "metadata.json") in caught.value.problem
    assert problem in caught.value.problem
    assert caught.value.fix


def test_an_article_described_twice_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, sub__b="Text.")
    (tmp_path / "sub" / "metadata.json").write_text('{"b.txt": {"outlet": "O"}}')
    with pytest.raises(InputError, match="described by two metadata files"):
        read_with(tmp_path, {"sub/b.txt": {"outlet": "O"}})


def test_metadata_wins_over_a_document_and_fills_the_gaps_of_a_container(tmp_path: Path) -> None:
    (tmp_path / "p.html").write_bytes(page('<meta property="og:site_name" content="The Daily">'))
    lines = ('{"id": "a", "text": "A.", "title": "Own", "desk": "metro"}', '{"text": "B."}')
    (tmp_path / "w.jsonl").write_text("\n".join(lines))
    (tmp_path / "z.zip").write_bytes(zipped({"m.txt": "M."}))
    (tmp_path / "metadata.json").write_text(
        json.dumps(
            {
                "p.html": {"outlet": "Mine", "metadata": {"desk": "sports"}},
                "w.jsonl": {"title": "All", "outlet": "Wire", "metadata": {"desk": "none", "run": "1"}},
                "w.jsonl#2": {"title": "Second", "metadata": {"desk": "two"}},
                "w.jsonl#9": {"title": "Ninth"},
                "z.zip/m.txt": {"author": "Ann Lee"},
            }
        )
    )
    found = read(tmp_path)
    assert [(a.path, a.title, a.outlet, a.author, a.metadata) for a in found.articles] == [
        ("p.html", "Dam breaks", "Mine", "", {"desk": "sports"}),
        ("w.jsonl#a", "Own", "Wire", "", {"desk": "metro", "run": "1"}),
        ("w.jsonl#2", "Second", "Wire", "", {"desk": "two", "run": "1"}),
        ("z.zip/m.txt", "", "", "Ann Lee", {}),
    ]
    assert [(Path(r.path).name, r.reason) for r in found.rejected] == [
        ("w.jsonl#9", "is described in metadata.json but is no article")
    ]


def test_an_index_among_the_articles_is_none_of_them(tmp_path: Path) -> None:
    write(tmp_path, a="Text.")
    index = tmp_path / "ix"
    (index / "manifests").mkdir(parents=True)
    (index / "manifests" / "1.json").write_text('{"text": "Not this."}')
    (index / "CURRENT").write_text("{}")
    (tmp_path / "ix-names.jsonl").write_text('{"text": "Nor this."}')
    (tmp_path / "ix-changes.jsonl").write_text('{"text": "Nor this."}')
    found = read(tmp_path)
    assert ([one.path for one in found.articles], list(found.rejected)) == (["a.txt"], [])
    (index / "story.txt").write_text("It is a folder of articles, then.")
    (index / "CURRENT").unlink()
    assert [one.path for one in read(tmp_path).articles] == [
        *("a.txt", "ix-changes.jsonl#1", "ix-names.jsonl#1"),
        *("ix/manifests/1.json#1", "ix/story.txt"),
    ]
