"""The wizard in the terminal: screens over fields, plans and events. It knows no cloud."""
