"""How good a network is: metrics, intervals, comparisons, and the pages that show them."""
