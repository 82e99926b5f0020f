"""The demonstration, in which a script drives the app."""
