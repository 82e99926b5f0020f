"""The widgets that pages are composed of. They import neither pages nor the app."""
