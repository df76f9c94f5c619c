"""The people's side: command line, score folders, connectors."""
