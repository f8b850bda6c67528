"""Likelihoods p(x|z), chosen by parameters, and the base class of models that have one."""
