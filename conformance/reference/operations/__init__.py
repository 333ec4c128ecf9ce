"""The functions of `keras.ops` in float64, a module a family: each is its formula, and how it is asked.

base         an entry of the table, and how a function becomes a type that a case can say: `ops.softmax`
forms        the questions that follow from how an operation goes over its arrays
the others   one family of operations each
"""
