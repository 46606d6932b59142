"""What every component of a slot must do, ours and those of other packages: small functions, one file a slot."""
