"""papertape: a self-hosted, real-time paper-trading desk."""

from papertape.kernel import choose as _choose

__version__ = "0.1.0"

_choose(__path__[0])
