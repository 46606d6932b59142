"""Tracking URIs: they are recorded with the study, so they name a place and never a secret.

The URI of an SQLite file is SQLAlchemy's: `%` begins a quoted byte in it and `?` begins options. `sqlite_uri` is the
one place where a path is quoted, and `database` the one where it is read back.
"""

import re
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

SQLITE = re.compile(r"sqlite(\+\w+)?:///")
PLAIN = "/ +!$&'()*,;=:@"  # what a path may hold unquoted beside letters, digits and -._~

SECRET_KEY = re.compile(r"[?&;][^=&;]*(passw|pwd|token|secret|credential|api_?key|access_?key)[^=&;]*=", re.IGNORECASE)
SECRET = (
    "a URI is recorded with the study, so it names a place and no secret, and this one carries one (not repeated "
    "here); leave it out of the URI and set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or "
    "MLFLOW_TRACKING_TOKEN, for a server, and PGPASSWORD or a line of ~/.pgpass for PostgreSQL"
)


def uri_error(uri: str) -> str | None:
    """Why a URI cannot be recorded, a secret in it never repeated; None if it can.

    A database's URI may name a user; what stands before the @ of a server's is a password or a token.
    """
    if SQLITE.match(uri):  # a path, in which anything may stand
        return None
    scheme, _, rest = uri.partition("://") if "://" in uri else ("", "", uri)
    who, at, _ = rest.rpartition("@")
    personal = bool(at) and (":" in who or scheme.lower() in ("", "http", "https"))
    if personal or SECRET_KEY.search(uri):
        return SECRET
    try:
        sound = not re.search(r"\s", uri) and urlsplit(uri).port != 0
    except ValueError:  # a bracket that is not closed, a port that is no number
        sound = False
    return None if sound else f"a URI such as http://127.0.0.1:5000, found {uri!r}"


def tracking_error(given: object) -> str | None:
    """Why nothing can be tracked at what a page or an exported file gives; None if it can."""
    if not isinstance(given, str):
        return f"MLflow's URI, such as http://127.0.0.1:5000, found {given!r}"
    return uri_error(given)


def database(uri: str) -> Path | None:
    """The file of an SQLite database; None for a server or another database."""
    found = SQLITE.match(uri)
    return Path(unquote(uri[found.end() :].partition("?")[0])) if found else None


def sqlite_uri(path: Path) -> str:
    """The URI under which SQLAlchemy and MLflow find an SQLite file.

    Where something had to be quoted the driver is named: of a URI that begins with `sqlite:///` MLflow makes the folder
    as it is written, quoting and all, beside the one that is meant.
    """
    quoted = quote(str(path), safe=PLAIN)
    return f"sqlite:///{quoted}" if quoted == str(path) else f"sqlite+pysqlite:///{quoted}"


def plain(uri: str) -> str:
    """A URI as MLflow may have it; of an SQLite file that of `sqlite_uri`."""
    path = database(uri)
    return uri if path is None else sqlite_uri(path)


def absent(uri: str) -> str | None:
    """Why what follows a study is not logged: its database is gone, and an exported file does not have one made."""
    path = database(uri)
    return None if path is None or path.is_file() else f"the study's database {path} is not there any more"
