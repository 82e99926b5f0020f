"""The demonstration, in which the app walks by itself."""
