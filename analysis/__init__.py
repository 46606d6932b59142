"""Tables in; numbers with intervals, pictures and a page out."""

if __name__ != "uncollapse.analysis":  # a second copy of every module would be made, in silence
    raise ImportError("`analysis` is a part of the package uncollapse; write `from uncollapse import analysis`")
