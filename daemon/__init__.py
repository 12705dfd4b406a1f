"""branchwarden: decides what happens to the branches of a Neon project, and does it."""
