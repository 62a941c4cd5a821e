"""Third-party expected values of the classical indicators, and how ours compare with them.

In: the data folders beside a checkout, the catalogue. Out: cases, comparisons, the page `indicators-compared.md`.
Never: a formula of an indicator; a tolerance without its reason.
"""
