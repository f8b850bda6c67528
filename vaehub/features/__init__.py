"""Features of observations: their values, or what a fixed network makes of them."""
