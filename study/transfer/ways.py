"""In which ways a task is tried. Light, since the command line names them."""

FROZEN, FINE_TUNED = HOW = ("frozen", "fine-tuned")
APART, JOINED = PAIRS = ("apart", "joined")  # two vectors, or both sentences as one
ALONE = ""  # a single sentence
