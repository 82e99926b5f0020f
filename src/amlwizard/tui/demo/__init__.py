"""The demonstration: the app walking by itself."""
