"""What a person sees of a study: counted, timed, drawn; the same while it runs and from another shell."""
