"""What follows: the question as arrays, the posterior, the effects and the checks of them."""
