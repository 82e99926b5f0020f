"""The line prompts: the same fields, checks and wording as the forms, one line at a time."""
