"""Text from outside made harmless and readable: sanitizing, and TeX as Unicode."""
