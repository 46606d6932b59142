"""`generate`: what a trained model says. Light to import: torch is loaded when a model is."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uncollapse.cli import Answer
from uncollapse.cli.folders import flag, runs_of, runs_option
from uncollapse.cli.parsing import LARGEST_SEED, bounds_errors
from uncollapse.models.configuration.unknown_name import unknown
from uncollapse.study.errors import UserError

if TYPE_CHECKING:
    from uncollapse.models.batch import Batch
    from uncollapse.models.generation.decoding import Decoding
    from uncollapse.study.training.samples import Speaker

SPLITS = ("train", "valid")
TYPED = ("sentence", "sentences", "interpolate", "vary")
SECTIONS = (*TYPED, "reconstruct", "prior")
BELONGS_TO = {"beam": "beam", "normalise": "beam", "temperature": "sample", "top_k": "sample"}
WIDTH = 5  # of the beam, where nothing is said
BOUNDS = {
    "reconstruct": (1, 10_000),
    "prior": (1, 10_000),
    "steps": (2, 1_000),
    "draws": (1, 1_000),
    "token": (1, 1_000),
    "beam": (1, 100),
    "top_k": (1, 10**9),
    "longest": (1, 1_000),
    "seed": (0, LARGEST_SEED),
}
TEMPERATURE, NORMALISE = (0.01, 100.0), (0.0, 10.0)
MOST_WORDS = 1_000_000  # sentences x width of the beam x words of a sentence, all of which are held at once
MOST_BYTES, MOST_TYPED = 1 << 24, 1_000  # of a file of sentences, and words of a sentence in it


def options(parser: ArgumentParser) -> None:
    """Add what the command takes."""
    add = parser.add_argument
    add("file", type=Path, help="an exported file that `train` has trained, or the folder that `train` wrote")
    runs_option(parser)
    add("--reconstruct", type=int, metavar="N", help="N sentences of the split from their codes")
    add("--sentence", action="append", metavar="TEXT", help="reconstruct this sentence; may be given again")
    add("--sentences", type=Path, metavar="FILE", help="reconstruct the sentences of a file, one a line")
    add("--prior", type=int, metavar="N", help="N sentences from the prior")
    add("--interpolate", nargs=2, metavar=("A", "B"), help="sentences on the way from one to another")
    add("--steps", type=int, default=7, metavar="N", help="sentences on that way, both ends included (7)")
    add("--vary", metavar="TEXT", help="draws from the posterior of this sentence")
    add("--token", type=int, metavar="I", help="with --vary: draw the latent of its I-th word alone, from 1")
    add("--draws", type=int, default=5, metavar="N", help="from each posterior (5)")
    add("--decoding", choices=("greedy", "beam", "sample"), help="how sentences are said of codes (greedy)")
    add("--beam", type=int, metavar="W", help="width of the beam (5)")
    add("--normalise", type=float, metavar="A", help="the beam maximises log p / length^A (0)")
    add("--temperature", type=float, metavar="T", help="of the sample (1)")
    add("--top-k", type=int, metavar="K", help="the sample is among the K likeliest words (all)")
    add("--longest", type=int, default=30, metavar="N", help="words of a sentence at most (30)")
    add("--label", metavar="CLASS", help="what a model with label context is told (the classes in turn, in --prior)")
    add("--seed", type=int, default=0, help="of everything that is drawn (0)")
    add("--split", default="valid", help="where sentences are taken from, valid or train (valid)")


def generate(arguments: Namespace) -> Answer:
    """Say what is asked for; without a request, a small sheet of everything that the model can do."""
    if errors := _errors(arguments):
        raise UserError(errors)
    typed = _typed(arguments)
    if (error := _too_much(arguments, len(typed))) is not None:
        raise UserError(error)
    from uncollapse.study.results import saved_model
    from uncollapse.study.training import samples

    model, corpus, content = saved_model.load(arguments.file, runs_of(arguments) / "corpora")
    decoding = _decoding(arguments)
    if any(getattr(arguments, name) for name in SECTIONS):
        found = _asked(arguments, samples.Speaker(model, corpus, arguments.seed, decoding, arguments.split), typed)
    else:
        found = samples.sheet(model, corpus, arguments.seed, decoding, arguments.split)
    head = f"{content['family']} on {corpus.name}, seed {arguments.seed}, split {arguments.split}"
    return {"family": content["family"], "corpus": corpus.name, **found}, f"{head}\n\n{samples.text(found)}"


def _errors(arguments: Namespace) -> list[str]:
    found = bounds_errors(arguments, BOUNDS)
    found += [
        f"{flag(name)}: an option of `--decoding {kind}`; ask for that too, or leave {flag(name)} out"
        for name, kind in BELONGS_TO.items()
        if getattr(arguments, name) is not None and arguments.decoding != kind
    ]
    for name, (least, most) in (("temperature", TEMPERATURE), ("normalise", NORMALISE)):
        value = getattr(arguments, name)
        if value is not None and not least <= value <= most:
            found.append(f"{flag(name)}: a number from {least:g} to {most:g}, found {value:g}")
    if arguments.token is not None and arguments.vary is None:
        found.append("--token: one word of a sentence, to draw its latent again; name the sentence with --vary")
    if arguments.label is not None and not any(getattr(arguments, name) for name in (*TYPED, "prior")):
        found.append("--label: the class of a sentence that you type, or of prior samples; ask for one of these too")
    if arguments.split not in SPLITS:
        found.append(f"--split: train or valid, for `train` alone reads the test split; found {arguments.split!r}")
    return found


def _decoding(arguments: Namespace) -> "Decoding":
    from uncollapse.models.generation.decoding import Decoding

    named = {
        "kind": arguments.decoding,
        "width": arguments.beam,
        "normalise": arguments.normalise,
        "temperature": arguments.temperature,
        "top_k": arguments.top_k,
    }
    chosen = {name: value for name, value in named.items() if value is not None}
    return Decoding(longest=arguments.longest, seed=arguments.seed, **chosen)


def _asked(arguments: Namespace, speaker: "Speaker", typed: list[str]) -> dict[str, Any]:
    from uncollapse.models.generation.abilities import CannotGenerate

    label = _label(arguments, speaker)
    try:
        return {"seed": speaker.seed, "split": speaker.split, **_sections(arguments, speaker, label, typed)}
    except CannotGenerate as error:
        raise UserError(f"{arguments.file}: {error}") from None


def _sections(arguments: Namespace, speaker: "Speaker", label: int | None, typed: list[str]) -> dict[str, Any]:
    everything = [*typed, *([arguments.vary] if arguments.vary else []), *(arguments.interpolate or [])]
    found: dict[str, Any] = {"unknown": speaker.unknown(everything)}
    if typed:
        found["reconstructions"] = speaker.reconstructions(speaker.encoded(typed, label), arguments.draws)
    if arguments.reconstruct:
        chosen = speaker.reconstructions(speaker.chosen(arguments.reconstruct), arguments.draws)
        found.setdefault("reconstructions", {**chosen, "sentences": []})["sentences"] += chosen["sentences"]
    if arguments.vary:
        batch = speaker.encoded([arguments.vary], label)
        found["variation"] = speaker.variation(batch, arguments.draws, _position(arguments.token, batch))
    if arguments.interpolate:
        found["interpolation"] = speaker.interpolation(speaker.encoded(arguments.interpolate, label), arguments.steps)
    if arguments.prior:
        found["prior"] = speaker.prior(arguments.prior, label)
    return found


def _typed(arguments: Namespace) -> list[str]:
    """The sentences that the user gave to be reconstructed."""
    from uncollapse.study.corpora.files import few, lines_of, read_text

    if arguments.sentences is None:
        return list(arguments.sentence or [])
    text, cut = read_text(arguments.sentences, MOST_BYTES)
    if cut:
        raise UserError(f"{arguments.sentences}: at most {MOST_BYTES:,} bytes of sentences are read; name a part of it")
    lines = lines_of(text)
    wrong = [
        f"{arguments.sentences}, line {at}: a sentence of at most {MOST_TYPED:,} words is expected"
        for at, line in enumerate(lines, 1)
        if not 0 < len(line.split()) <= MOST_TYPED
    ]
    if wrong:
        raise UserError(few(wrong))
    return [*(arguments.sentence or []), *lines]


def _too_much(arguments: Namespace, typed: int) -> str | None:
    """Why the sentences that are asked for are too many to be said at once."""
    reconstructed = (typed + (arguments.reconstruct or 0)) * arguments.draws
    sentences = max(reconstructed, arguments.prior or 0, arguments.steps, arguments.draws)
    words = sentences * (arguments.beam or (WIDTH if arguments.decoding == "beam" else 1)) * arguments.longest
    if words <= MOST_WORDS:
        return None
    return (
        f"at most {MOST_WORDS:,} words are said at once (sentences x width of the beam x --longest), and this asks for "
        f"{words:,}; ask for fewer, several times with another --seed"
    )


def _position(token: int | None, batch: "Batch") -> int | None:
    words = int(batch.lengths[0]) - 1
    if token is not None and token > words:
        raise UserError(f"--token: a word of the sentence, from 1 to {words}, found {token}")
    return None if token is None else token - 1


def _label(arguments: Namespace, speaker: "Speaker") -> int | None:
    """The class that the user named, by number; what a model is not told, and must be told, is refused."""
    classes, hears = speaker.corpus.classes, speaker.hears_labels()
    if arguments.label is None:
        if hears and any(getattr(arguments, name) for name in TYPED):
            raise UserError(f"--label: this model is told the class of a sentence; name one of {', '.join(classes)}")
        return None
    if not hears:
        raise UserError(f"--label {arguments.label}: this model is told no class; leave the option out")
    if arguments.label not in classes:
        raise UserError(f"--label: {unknown('class', arguments.label, classes)}")
    return classes.index(arguments.label)
