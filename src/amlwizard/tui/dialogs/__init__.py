"""Screens on top of a page, which wait for an answer."""
