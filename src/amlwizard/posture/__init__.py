"""What a platform promises about its security: the design of its security groups, and the judgement
of whether a cloud keeps what a recipe promises. Pure: facts in, lines out."""
