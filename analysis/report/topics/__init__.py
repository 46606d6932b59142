"""What the report shows, one file a topic: its sections, each with its tables and figures."""
