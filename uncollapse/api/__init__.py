"""What `import uncollapse` offers, one file a subject; the names stand in `uncollapse.__all__`."""
