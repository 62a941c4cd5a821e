"""papertape: a self-hosted, real-time paper-trading desk."""

__version__ = "0.1.0"
