"""Turns the page of a study into recorded trials, a report and the best configurations."""

if __name__ != "uncollapse.study":  # a second copy of every module would be made, in silence
    raise ImportError("`study` is a part of the package uncollapse; write `from uncollapse import study`")
