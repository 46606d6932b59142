"""One page per family: the whole model (`base`) and what its study searches (`search`)."""

if __name__ != "uncollapse.search_spaces":  # a second copy of every module would be made, in silence
    raise ImportError(
        "`search_spaces` is a part of the package uncollapse; write `from uncollapse import search_spaces`"
    )
