"""The pages of the wizard, and the list of them."""
