"""Where an index is: in a folder, or in a PostgreSQL database.

Imports nothing large, as the settings need it. Does not know what an index holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from citewire.index.errors import InputError

SCHEMES = ("postgresql", "postgres")
EXACT = "exact"  # the only parameter of an address that is citewire's own; libpq gets the others

_NOT_IN_NAMES = re.compile(r"[^\w.-]")


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """A database that holds one index: `postgresql://user@host:port/database`.

    As text it has neither password nor parameters, so that messages and logs can show it.

    Attributes:
        url: what libpq is given, with the password if the user wrote one there.
        exact: whether a search compares every vector, instead of using the HNSW index: `?exact=1`.
    """

    url: str
    exact: bool = False

    def __str__(self) -> str:
        parts = urlsplit(self.url)
        user, at, host = parts.netloc.rpartition("@")
        return f"{parts.scheme}://{user.partition(':')[0]}{at}{host}{parts.path}"

    def __repr__(self) -> str:
        return f"Address({str(self)!r}, exact={self.exact})"

    @property
    def folder(self) -> Path:
        """The path that stands for the index on this machine: uploads, keys and caches lie beside it."""
        place = str(self).partition("://")[2].rpartition("@")[2]
        return Path(".citewire") / f"postgresql-{_NOT_IN_NAMES.sub('-', place)}"


Location = Path | Address


def location(value: str | Path) -> Location:
    """Return what a user's words for an index mean.

    Raises:
        InputError: an address names no database, or a value that is none of `exact`.

    >>> location("postgresql://ada:secret@db.example/news?exact=1")
    Address('postgresql://ada@db.example/news', exact=True)
    """
    if not isinstance(value, str) or value.partition("://")[0] not in SCHEMES:
        return Path(value)
    parts = urlsplit(value)
    fix = "Write it as postgresql://user@host:port/database"
    if not parts.path.strip("/"):
        raise InputError(f"the address {Address(value)} names no database", fix)
    parameters = parse_qsl(parts.query, keep_blank_values=True)
    exact = dict(parameters).get(EXACT, "0")
    if exact not in ("0", "1"):
        raise InputError(f"the address {Address(value)} has {EXACT}={exact}", f"Write {EXACT}=1 or {EXACT}=0")
    rest = urlencode([(name, said) for name, said in parameters if name != EXACT], quote_via=quote)
    return Address(parts._replace(query=rest).geturl(), exact == "1")


def local_folder(where: Location) -> Path:
    """Return the path that stands for an index on this machine; see `Address.folder`."""
    return where.folder if isinstance(where, Address) else where
