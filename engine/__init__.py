"""Containers made straight from the kernel: images, roots, limits, starts, supervision."""
