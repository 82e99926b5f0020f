"""What pages are composed of. Widgets know no page and no app."""
