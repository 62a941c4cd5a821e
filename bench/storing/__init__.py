"""Parts of `bench/storage.py`: what is measured, and the plain alternatives it is compared with."""
