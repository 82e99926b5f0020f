"""The data planes of a Machine Learning workspace: tracking, artifacts, online endpoints."""
