"""torch's modules and functions in torch's own words: arguments, layouts, and the mathematics that torch documents.

A class here is to torch what a class beside this folder is to Keras: its fields are the arguments of the constructor in
their order, its weights are torch's parameters in torch's layout, and `counterpart` says what Keras has in its place.
The formulas are those of https://docs.pytorch.org/docs/stable/nn.html; torch is neither called nor translated.
"""
