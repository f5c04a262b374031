from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from citewire.index import articles
from citewire.index.articles import Rejected, read_articles
from citewire.index.errors import InputError
from citewire.seeds import seeds_folder


def write(folder: Path, **files: str | bytes) -> Path:
    """Write NAME=CONTENT as NAME.txt below `folder`; `__` in a name is a slash."""
    for name, content in files.items():
        file = folder / f"{name.replace('__', '/')}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def only_rejected(folder: Path) -> Rejected:
    """Read `folder` beside one good article and return the one file that is rejected."""
    reading = read_articles([write(folder, good="Good.")])
    assert [article.path for article in reading.articles] == ["good.txt"]
    (rejected,) = reading.rejected
    return rejected


def test_a_folder_is_read_recursively_and_sorted_with_text_unchanged(tmp_path: Path) -> None:
    text = "\ufeffFirst line\r\n\r\n  “quoted” 😀 e\u0301\nlast\n\n"
    write(tmp_path, b="Second.", a__z="Deep.", a__b__c=text, C="Upper.")
    (tmp_path / "README.md").write_text("not an article")
    (tmp_path / ".hidden.txt").write_text("hidden")
    write(tmp_path / ".git", secret="hidden")
    reading = read_articles([tmp_path])
    assert [article.path for article in reading.articles] == ["C.txt", "a/b/c.txt", "a/z.txt", "b.txt"]
    assert reading.articles[1].text == text[1:]
    assert reading.rejected == ()


def test_the_seeds_are_read_with_what_they_state() -> None:
    reading = read_articles([seeds_folder()])
    assert reading.rejected == ()
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


def test_the_digest_changes_with_the_bytes_and_with_the_metadata(tmp_path: Path) -> None:
    def digest() -> str:
        return read_articles([tmp_path]).articles[0].sha256

    plain = (write(tmp_path, a="Text."), digest())[1]
    assert digest() == plain == hashlib.sha256(hashlib.sha256(b"Text.").digest() + b"{}").hexdigest()
    (tmp_path / "metadata.json").write_text('{"a.txt": {"title": "T"}}')
    titled = digest()
    write(tmp_path, a="Text!")
    assert len({plain, titled, digest()}) == 3


def test_files_given_by_name_are_articles_under_their_name(tmp_path: Path) -> None:
    write(tmp_path, sub__one="One.", two="Two.")
    reading = read_articles([tmp_path / "sub" / "one.txt", tmp_path / "two.txt"])
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
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is a binary file: NUL at byte offset 8", "plain text"),
        (b"\x1b\x02\x03text", "is a binary file: 3 control characters", "plain text"),
        (b"caf\xe9 costs", "is not UTF-8: byte 0xe9 at byte offset 3", "iconv -f WINDOWS-1252"),
        (b"\xef\xbb\xbfcaf\xe9", "is not UTF-8: byte 0xe9 at byte offset 6", "iconv -f WINDOWS-1252"),
        ("Grüße".encode("utf-16"), "is encoded as UTF-16 (byte offset 0)", "iconv -f UTF-16"),
    ],
)
def test_a_bad_file_is_left_out_with_reason_and_fix(tmp_path: Path, content: bytes, reason: str, fix: str) -> None:
    rejected = only_rejected(write(tmp_path, bad=content))
    assert rejected.path == str(tmp_path / "bad.txt")
    assert reason in rejected.reason
    assert fix in rejected.fix


def test_a_stray_control_character_in_a_long_text_is_kept(tmp_path: Path) -> None:
    text = "A sentence. " * 20 + "\x0b\x1f"
    assert read_articles([write(tmp_path, a=text)]).articles[0].text == text


def test_a_file_over_the_limit_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(articles, "MAX_FILE_BYTES", 10)
    rejected = only_rejected(write(tmp_path, over="0123456789x"))
    assert rejected.path.endswith("over.txt")
    assert "11 bytes, at most 10" in rejected.reason


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
    reading = read_articles([inside])
    assert [article.path for article in reading.articles] == ["good.txt", "twin.txt"]
    assert {Path(r.path).name: r.reason.split(",")[0] for r in reading.rejected} == {
        "link.txt": f"is a link that leads out of {inside}",
        "linked": "is a linked folder",
    }


@pytest.mark.parametrize("name", [b"caf\xe9.txt", b"new\nline.txt", b"esc\x1b[31m.txt"])
def test_a_name_that_cannot_identify_an_article_is_left_out(tmp_path: Path, name: bytes) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_text("Text.")
    rejected = only_rejected(tmp_path)
    assert rejected.reason == "has a name that is not UTF-8 or holds control characters"
    assert rejected.path.encode().isascii()
    assert rejected.path.isprintable()


def test_a_missing_path_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no .*/nowhere\. Name a folder"):
        read_articles([write(tmp_path, a="Text."), tmp_path / "nowhere"])


def test_no_path_is_an_error() -> None:
    with pytest.raises(InputError, match="no path"):
        read_articles([])


def test_a_folder_without_articles_is_an_error_even_beside_a_good_one(tmp_path: Path) -> None:
    write(tmp_path / "good", a="Text.")
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "x.pdf").write_bytes(b"%PDF")
    with pytest.raises(InputError, match=r"none holds no \.txt files"):
        read_articles([tmp_path / "good", tmp_path / "none"])


def test_a_file_of_another_kind_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.pdf").write_bytes(b"%PDF")
    with pytest.raises(InputError, match=r"x\.pdf is not a \.txt file"):
        read_articles([tmp_path / "x.pdf"])


def test_nothing_but_bad_files_is_an_error_with_the_first_reason(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.txt: is empty \(1 more files") as caught:
        read_articles([write(tmp_path, a="", b=b"\0")])
    assert "Add the text" in caught.value.fix


# -- metadata -----------------------------------------------------------------------------------------------


def read_with(folder: Path, metadata: object) -> articles.Reading:
    text = metadata if isinstance(metadata, str) else json.dumps(metadata)
    (write(folder, a="Text.", sub__b="Text.") / "metadata.json").write_text(text)
    return read_articles([folder])


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
