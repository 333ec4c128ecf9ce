"""The functions of `keras.ops` in float64, a module a family: each is its formula, and how it is asked.

base         an entry of the table, and how a function becomes a type that a case can say: `ops.softmax`
the others   one family of operations each
"""
