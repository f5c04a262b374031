"""Small builders of real documents, with full control of their bytes: PDF, Word, EPUB, zip and news pages."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from html import escape

import pypdfium2

PARAGRAPHS = (
    "The dam above Low Valley broke on Monday after three days of rain, officials said, and the river rose fast.",
    "About 300 people left their homes, and the mayor, Ada Quill, asked the state for help as the water came in.",
    "No one was hurt, the fire department said on Tuesday.",
)


def page(head: str = "", paragraphs: Sequence[str] = PARAGRAPHS, title: str = "Dam breaks") -> bytes:
    """Return a news page with a menu and a footer around the text."""
    body = "".join(f"<p>{escape(text)}</p>" for text in paragraphs)
    return (
        f"<!DOCTYPE html><html><head><meta charset='utf-8'><title>{title}</title>{head}</head><body>"
        f"<nav><ul><li><a href='/'>Home</a></li><li><a href='/sport'>Sport</a></li></ul></nav>"
        f"<article><h1>{title}</h1>{body}</article><footer>All rights reserved</footer></body></html>"
    ).encode()


def deflated_blanks(megabytes: int) -> bytes:
    """Return a zlib stream of so many million blanks, by repeating one compressed block."""
    block = b" " * 1_000_000
    deflater = zlib.compressobj(9, wbits=-15)
    deflated = deflater.compress(block) + deflater.flush(zlib.Z_FULL_FLUSH)
    check = 1
    for _ in range(megabytes):
        check = zlib.adler32(block, check)
    return b"\x78\xda" + deflated * megabytes + b"\x03\x00" + check.to_bytes(4, "big")


def pdf(pages: Sequence[Sequence[str]], info: Mapping[str, str] | None = None, stream: bytes = b"") -> bytes:
    """Return a PDF with these lines on each page, "" for an empty line; `stream` precedes each page's own stream."""
    kids = " ".join(f"{5 + 3 * number} 0 R" for number in range(len(pages)))
    stated = " ".join(f"/{name} ({value})" for name, value in (info or {}).items())
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        f"<< {stated} >>".encode(),
    ]
    for number, lines in enumerate(pages):
        shown = " ".join(f"({line}) Tj T*" for line in lines)
        first = 5 + 3 * number
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> "
            b"/Contents [%d 0 R %d 0 R] >>" % (first + 1, first + 2),
            *map(
                _stream,
                (stream or zlib.compress(b""), zlib.compress(f"BT /F1 12 Tf 14 TL 72 720 Td {shown} ET".encode())),
            ),
        ]
    return _pdf_file(objects, b"/Info 4 0 R")


def drawn_pdf(*pages: str) -> bytes:
    """Return a PDF of 612 by 792 points with these drawing operators on its pages; `/F1` is Helvetica."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, content in enumerate(pages):
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> "
            b"/Contents %d 0 R >>" % (5 + 2 * number),
            _stream(zlib.compress(content.encode("cp1252"))),
        ]
    return _pdf_file(objects, b"")


def layered_pdf(content: str, *, shows: bool) -> bytes:
    """Return a PDF of one page with these drawing operators; from `/OC /L BDC` to `EMC` they are in a layer."""
    state = b"/ON [6 0 R]" if shows else b"/OFF [6 0 R]"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /OCProperties << /OCGs [6 0 R] /D << %s >> >> >>" % state,
        b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 5 0 R "
        b"/Resources << /Font << /F1 3 0 R >> /Properties << /L 6 0 R >> >> >>",
        _stream(zlib.compress(content.encode("cp1252"))),
        b"<< /Type /OCG /Name (Layer) >>",
    ]
    return _pdf_file(objects, b"")


def shown(text: str, x: float = 72, y: float = 700, size: float = 12, before: str = "0 g") -> str:
    """Return the operators that draw a line of text on a page of `drawn_pdf`."""
    return f"BT {before} /F1 {size} Tf {x} {y} Td ({text}) Tj ET 0 Tr 0 g "


def encrypted_pdf() -> bytes:
    """Return a PDF that requires a password: no password matches its owner and user keys."""
    key = b"<" + b"41" * 32 + b">"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [] /Count 0 >>",
        b"<< /Filter /Standard /V 1 /R 2 /O %s /U %s /P -4 >>" % (key, key),
    ]
    return _pdf_file(objects, b"/Encrypt 3 0 R /ID [<00><00>]")


def words_of_pdf(content: bytes) -> str:
    """Return the text of all pages with single blanks as white space."""
    with pypdfium2.PdfDocument(content) as document:
        return " ".join(" ".join(page.get_textpage().get_text_range() for page in document).split())


def _stream(deflated: bytes) -> bytes:
    return b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(deflated), deflated)


def _pdf_file(objects: Sequence[bytes], trailer: bytes) -> bytes:
    out, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return out + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF"
        % (len(objects) + 1, table, len(objects) + 1, trailer, len(out))
    )


def zipped(files: Mapping[str, bytes | str], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip of these names and contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def docx(body: str, core: str = "") -> bytes:
    """Return a Word file with this content of <w:body> and these elements of the core properties."""
    files = {"word/document.xml": f'<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'}
    if core:
        files["docProps/core.xml"] = (
            '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
            'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/">'
            f"{core}</cp:coreProperties>"
        )
    return zipped(files)


def paragraph(*texts: str) -> str:
    """Return a Word paragraph with one run per text."""
    return f"<w:p>{''.join(f'<w:r><w:t>{escape(text)}</w:t></w:r>' for text in texts)}</w:p>"


def epub(chapters: Mapping[str, str], metadata: str = "", order: Sequence[str] | None = None) -> bytes:
    """Return an EPUB with these chapter files in the given reading order."""
    items = "".join(f'<item id="{name}" href="{name}" media-type="application/xhtml+xml"/>' for name in chapters)
    spine = "".join(f'<itemref idref="{name}"/>' for name in order or list(chapters))
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:opf="http://www.idpf.org/2007/opf" version="2.0">'
        f"<metadata>{metadata}</metadata><manifest>{items}</manifest><spine>{spine}</spine></package>"
    )
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OPS/book.opf"/></rootfiles></container>'
    )
    files: dict[str, bytes | str] = {"mimetype": "application/epub+zip", "META-INF/container.xml": container}
    return zipped(files | {"OPS/book.opf": package} | {f"OPS/{name}": text for name, text in chapters.items()})
