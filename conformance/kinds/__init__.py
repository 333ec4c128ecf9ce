"""One matrix of cases, made from what each layer and loss says of itself: every kind of input and of call.

model    a cell of the matrix as a value, and its text
layers   numbers, batches, lengths, masks and `training` of layers
losses   weights, labels, extremes and masks of losses
matrix   all of it, a file a layer, and what the reference refuses
"""
