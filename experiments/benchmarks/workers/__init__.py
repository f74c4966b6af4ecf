"""What runs in a process of its own: one JSON object as argument, one printed at the end."""
