"""Constraints that tie several components of a configuration together. Free of torch: `plan` applies them."""

from collections.abc import Callable, Mapping
from typing import Any

from uncollapse.models.configuration import components, latent_constraints

Configuration = Mapping[str, Any]


def variables(configuration: Configuration) -> tuple[str, ...]:
    """The latent variables of a configuration, parents first."""
    return components.attribute("latent", configuration["latent"]["kind"], "variables")


def posterior_at(configuration: Configuration) -> str:
    """Where posteriors stand: `features` (one a sentence), `latents` (one a step, the last read) or `tokens`."""
    pool = configuration["pool"]
    return pool["at"] if "at" in pool else components.attribute("pool", pool["kind"], "at")


def broken(configuration: Configuration) -> list[str]:
    """A sentence for every constraint that a resolved configuration breaks."""
    return [sentence for constraint in CONSTRAINTS if (sentence := constraint(configuration)) is not None]


def heads_divide(configuration: Configuration) -> str | None:
    for slot in ("encoder", "decoder"):
        component = configuration[slot]
        if component["kind"] == "transformer" and component["hidden"] % component["heads"]:
            return (
                f"{slot}.hidden: a transformer's features are shared equally by its heads, so hidden must be a "
                f"multiple of heads ({component['heads']}), found {component['hidden']}"
            )
    return None


def predicts(configuration: Configuration) -> str:
    """What the decoder predicts: `words` in their order, the words of a `bag`, or a `label`."""
    return components.attribute("decoder", configuration["decoder"]["kind"], "predicts")


def penalties(configuration: Configuration) -> tuple[str, ...]:
    """Terms that the latent offers beside its KLs."""
    return components.attribute("latent", configuration["latent"]["kind"], "penalties", ())


def tokens_need_attention(configuration: Configuration) -> str | None:
    attends = configuration["decoder"]["kind"] == "transformer"
    if posterior_at(configuration) == "tokens" and not attends:
        return (
            "decoder.kind: with `pool: {kind: nowhere}` there is a code for every token and only an attending decoder "
            f"can read them; use `transformer`, found {configuration['decoder']['kind']!r}"
        )
    return None


def states_run_forward(configuration: Configuration) -> str | None:
    encoder = configuration["encoder"]
    if encoder["kind"] == "recurrent" and encoder["features"] == "states" and encoder["bidirectional"]:
        return (
            "encoder.features: `states` are those after each word, which a second pass from the end does not have; "
            "use `features: outputs` or `bidirectional: false`"
        )
    return None


def both_directions_are_read_to_their_end(configuration: Configuration) -> str | None:
    pool, bidirectional = configuration["pool"]["kind"], configuration["encoder"].get("bidirectional", False)
    if pool == "last" and bidirectional:
        return (
            "pool.kind: at the last step the backward pass has read EOS alone; use `ends` for the end of each pass, or "
            "a pool over all steps, found 'last'"
        )
    if pool == "ends" and not bidirectional:
        return "pool.kind: `ends` takes the end of each of two passes; use `bidirectional: true`, or the pool `last`"
    return None


def code_enters(configuration: Configuration) -> str | None:
    decoder = configuration["decoder"]
    if variables(configuration) and decoder["kind"] == "recurrent" and not decoder["inject"]:
        return "decoder.inject: the code must enter somewhere; name one or more of state, input, output, found none"
    return None


def encoder_feeds_latent(configuration: Configuration) -> str | None:
    latent = configuration["latent"]["kind"]
    if latent != "none" and configuration["encoder"]["kind"] == "none":
        return f"encoder.kind: the latent {latent!r} needs features; use another encoder, found 'none'"
    return None


def inputless_dropout(configuration: Configuration) -> str | None:
    inputs = configuration["inputs"]
    if not inputs.get("words", True) and inputs.get("word_dropout", 0) > 0:
        return "inputs.word_dropout: an inputless decoder has no words to drop; set it to 0 or `words: true`"
    return None


def every_kl_is_weighed(configuration: Configuration) -> str | None:
    weighed = {term.split(".", 1)[1] for term in configuration["objective"] if "." in term}
    stands_for_kl = components.attribute("latent", configuration["latent"]["kind"], "charges", ())
    if any(term in configuration["objective"] for term in stands_for_kl):
        return None
    unweighed = [name for name in variables(configuration) if name not in weighed]
    if unweighed:
        terms = ", ".join(stands_for_kl or [f"kl.{name}" for name in unweighed])
        return f"objective: every latent variable needs a weight on its KL, or the model is an autoencoder; add {terms}"
    return None


def terms_exist(configuration: Configuration) -> str | None:
    known = {f"kl.{name}" for name in variables(configuration)} | set(penalties(configuration))
    if posterior_at(configuration) != "features":
        known |= {f"kl_mean.{name}" for name in variables(configuration)}
    strange = sorted(set(configuration["objective"]) - known)
    if strange:
        names = ", ".join(sorted(known)) or "none: it has no latent variable"
        return f"objective: this model has no term {', '.join(strange)}; its terms are {names}"
    return None


def penalties_are_of_sentences(configuration: Configuration) -> str | None:
    weighed = [term for term in configuration["objective"] if term in penalties(configuration)]
    if weighed and posterior_at(configuration) == "tokens":
        return f"objective.{weighed[0]}: this term compares the codes of sentences; use a pool, found none"
    return None


def normalisation_sees_no_padding(configuration: Configuration) -> str | None:
    if configuration["latent"].get("batch_norm") and posterior_at(configuration) != "features":
        return (
            "latent.batch_norm: statistics of a batch must not count padding; use a pool at `features`, found a "
            f"posterior at every step ({posterior_at(configuration)})"
        )
    return None


def updates_fit_the_latent(configuration: Configuration) -> str | None:
    needed = components.attribute("latent", configuration["latent"]["kind"], "updates", None)
    kind = configuration["updates"]["kind"]
    if needed is not None and kind != needed:
        return f"updates.kind: the latent {configuration['latent']['kind']!r} is trained by {needed!r}, found {kind!r}"
    served = components.attribute("updates", kind, "needs", ())
    if served and configuration["latent"]["kind"] not in served:
        return f"updates.kind: {kind!r} trains the latents {', '.join(served)}; use `joint`"
    return None


def separate_updates_share_nothing(configuration: Configuration) -> str | None:
    separate = components.attribute("updates", configuration["updates"]["kind"], "separate", False)
    if separate and configuration["inputs"].get("shared") and predicts(configuration) == "words":
        return (
            f"inputs.shared: {configuration['updates']['kind']!r} updates move encoder and decoder by turns, so "
            "neither may own the other's word vectors; set `shared: false`"
        )
    return None


def separate_updates_have_two_sides(configuration: Configuration) -> str | None:
    separate = components.attribute("updates", configuration["updates"]["kind"], "separate", False)
    if separate and not variables(configuration):
        return (
            f"updates.kind: {configuration['updates']['kind']!r} updates move a posterior and a decoder by turns, and "
            f"the latent {configuration['latent']['kind']!r} has no posterior; use `joint`"
        )
    return None


def score_functions_have_no_floor(configuration: Configuration) -> str | None:
    floored = [term for term, settings in configuration["objective"].items() if settings.get("floor")]
    if configuration["updates"]["kind"] == "score_function" and floored:
        return f"objective.{floored[0]}.floor: score-function updates need a loss of each sentence; set it to 0"
    return None


def labels_have_no_code(configuration: Configuration) -> str | None:
    if predicts(configuration) == "label" and variables(configuration):
        return "latent.kind: a classifier reads features and not a sampled code; use `features`"
    return None


CONSTRAINTS: tuple[Callable[[Configuration], str | None], ...] = (
    heads_divide,
    tokens_need_attention,
    states_run_forward,
    both_directions_are_read_to_their_end,
    code_enters,
    encoder_feeds_latent,
    inputless_dropout,
    every_kl_is_weighed,
    terms_exist,
    penalties_are_of_sentences,
    normalisation_sees_no_padding,
    updates_fit_the_latent,
    separate_updates_share_nothing,
    separate_updates_have_two_sides,
    score_functions_have_no_floor,
    labels_have_no_code,
    *latent_constraints.CONSTRAINTS,
)
