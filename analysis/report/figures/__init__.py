"""Pictures of the report, one file a topic."""
