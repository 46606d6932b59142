"""Small faults put into the product one at a time, to see whether its tests notice. Run by hand, see `__main__`."""
