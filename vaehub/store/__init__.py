"""What was measured, and whether it is whole."""
