"""A model and its engine in one file, for hosts that no network reaches."""
