"""Rooms with the factors of 3D Shapes, drawn on demand."""
