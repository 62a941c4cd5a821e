"""The figures R1 to R17 of the stream, one module each, named `r05_throughput.py` after its number."""
