"""News of a study for people who are asleep: a command of theirs, and a webhook.

Neither stands in a study's page, since a page is passed on: the command is an option of `run`, and the webhook's
address, which is a secret, is read from the environment.
"""

import json
import os
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

WEBHOOK = "UNCOLLAPSE_WEBHOOK"
ENDED, STOPPED, FAILED, TROUBLE = "ended", "stopped", "failed", "trouble"
COMMAND_SECONDS, POST_SECONDS, TRIES = 60.0, 10.0, 3


@dataclass(frozen=True)
class News:
    """Tells whoever wants to know; what fails on the way is said and never ends a study.

    Args:
        study: its name.
        command: run by the shell with the message on its standard input; None for none.
        say: told what could not be delivered.
    """

    study: str
    command: str | None
    say: Callable[[str], None]

    def __call__(self, event: str, sentence: str) -> None:
        """Tell one of `ended, stopped, failed, trouble`, with a sentence for people."""
        host = socket.gethostname()
        text = f"uncollapse, study {self.study!r} on {host}: {sentence}"
        body = json.dumps({"text": text, "study": self.study, "event": event, "host": host})
        address = os.environ.get(WEBHOOK)
        if self.command and (error := _run(self.command, body)):
            self.say(f"notification: the command {error}; the study is not touched by that")
        if address and (error := _post(address, body)):
            self.say(f"notification: the webhook {error}; the study is not touched by that")


def _run(command: str, body: str) -> str:
    """What went wrong with a command, "" for nothing."""
    try:
        done = subprocess.run(
            command, shell=True, input=body, text=True, capture_output=True, timeout=COMMAND_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"did not end within {COMMAND_SECONDS:g} s"
    return f"ended with code {done.returncode}" if done.returncode else ""


def _post(address: str, body: str) -> str:
    """What went wrong with a webhook, in words that do not repeat its address; "" if it was taken."""
    headers = {"Content-Type": "application/json", "User-Agent": "uncollapse"}
    trouble = ""
    for _ in range(TRIES):
        try:
            request = urllib.request.Request(address, body.encode(), headers)
            with urllib.request.urlopen(request, timeout=POST_SECONDS):
                return ""
        except urllib.error.HTTPError as error:
            return f"answered {error.code}"
        except ValueError:
            return f"has no address; {WEBHOOK} holds one that begins with https://"
        except OSError as error:
            trouble = f"does not answer ({type(getattr(error, 'reason', error)).__name__})"
    return trouble
