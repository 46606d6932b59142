"""Proxies of the environment: what is on this machine goes past them, and one that stands between is named."""

import os
import urllib.request
from urllib.parse import urlsplit

LOOPBACK = ("localhost", "127.0.0.1", "::1")
EXCEPT = ("no_proxy", "NO_PROXY")  # libraries read the one or the other


def past_proxies() -> None:
    """Let every library, and every process that is started from here, reach this machine without a proxy."""
    given = next((os.environ[name] for name in EXCEPT if os.environ.get(name)), "")
    names = [name.strip() for name in given.split(",") if name.strip()]
    if "*" not in names:
        names += [name for name in LOOPBACK if name not in names]
    os.environ.update(dict.fromkeys(EXCEPT, ",".join(names)))


def proxy_between(uri: str) -> str | None:
    """The proxy through which a server is asked, by the variable that names it, without its password; None for none."""
    try:
        place = urlsplit(uri)
        proxy = urllib.request.getproxies().get(place.scheme)
        if not proxy or not place.hostname or urllib.request.proxy_bypass(place.hostname):
            return None
    except ValueError:
        return None
    return f"{place.scheme}_proxy, {proxy.rpartition('@')[2].rpartition('//')[2]}"
