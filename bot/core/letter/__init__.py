"""An edition as a letter: views for the templates, rendering, styles, size. Which papers it holds is decided before."""
