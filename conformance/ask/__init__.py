"""Questions from the command line: a layer and the shapes of its inputs, made into a case and run on the spot."""
