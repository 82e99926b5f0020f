"""The port that front ends call, and the application behind it."""
