"""Parts of several widgets: threads, the run panel, forms, plots, help, preferences."""
