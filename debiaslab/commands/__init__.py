"""One file a command: its arguments, and a generator of the texts it has to say."""
