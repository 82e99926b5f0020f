"""What pages are made of. A widget knows no page and no app."""
