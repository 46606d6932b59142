"""Tensors in, tensors out: the components of which every model family is made.

Shape legend, used at the top of every tensor file:
    B sentences of a batch, T time steps (words and EOS), V vocabulary, E embedding, H features,
    Z latent dimensions, C what the decoder reads (the code), K importance samples.
"""

if __name__ != "uncollapse.models":  # a second copy of every module would be made, in silence
    raise ImportError("`models` is a component of the package uncollapse; write `from uncollapse import models`")
