"""What a file, a name or a client that means harm gets: a sentence, and nothing else."""
