"""From a name to a model that answers: where, which files, which release, and what came of it."""
