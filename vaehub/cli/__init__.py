"""The command line: parses, calls the hub, prints."""
