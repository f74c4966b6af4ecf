"""Scripts run by the Pythons of the oracle's environments, which have no debiaslab."""
