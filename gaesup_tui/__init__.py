"""gaesup-tui: the operations console of Gaesup-State and the engine behind it."""

__version__ = "0.1.0"
