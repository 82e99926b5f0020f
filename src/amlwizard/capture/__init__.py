"""Records the HTTP exchanges of this process, redacted so that they can be published, and compares
them with the answers of the sandbox."""
