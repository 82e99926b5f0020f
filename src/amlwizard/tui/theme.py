"""The dark and the light theme. Nothing is shown by colour alone: NO_COLOR keeps every mark."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="amlwizard-dark",
    dark=True,
    primary="#5aa9ff",
    secondary="#79c7d9",
    accent="#ffc46b",
    success="#7fd69a",
    warning="#f0c05a",
    error="#ff7b79",
    foreground="#d7e0ea",
    background="#0d141c",
    surface="#131d28",
    panel="#1c2937",
    boost="#22313f",
    variables={
        "footer-background": "#131d28",
        "footer-key-foreground": "#ffc46b",
        "input-selection-background": "#5aa9ff 35%",
        "border": "#2c4156",
        "foreground-muted": "#8fa3b8",  # without alpha: trees do not blend
    },
)

LIGHT = Theme(
    name="amlwizard-light",
    dark=False,
    primary="#0b63c5",
    secondary="#0f7285",
    accent="#a85a00",
    success="#1c7a3c",
    warning="#8f5b00",
    error="#c22b28",
    foreground="#1c2733",
    background="#f6f8fb",
    surface="#ffffff",
    panel="#e6edf5",
    boost="#dde7f1",
    variables={
        "footer-background": "#e6edf5",
        "footer-key-foreground": "#a85a00",
        "input-selection-background": "#0b63c5 25%",
        "border": "#b9c8d8",
        "foreground-muted": "#566778",
    },
)
