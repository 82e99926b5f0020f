"""The wizard in the terminal: screens over fields, plans and events, independent of any cloud."""
