"""Sprites with the factors of dSprites, drawn on demand."""
