"""The pages of the wizard and their registry."""
