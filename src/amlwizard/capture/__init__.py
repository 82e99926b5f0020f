"""The record of what left this process and what came back, fit to be shown to anybody, and its
comparison with the sandbox."""
