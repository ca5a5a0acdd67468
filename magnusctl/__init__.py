"""Turn one YAML inventory of unlike machines into a working local-AI cluster over plain SSH."""

__version__ = "0.1.0"
