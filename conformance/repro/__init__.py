"""Reproduction scripts: one case in one lane as a script that needs the framework and NumPy, and nothing of ours.

    evidence   the case, its plan, what the report says of the lane, what the reference gives       Evidence
    account    what the report says of a lane, as the data that a script checks itself against
    literals   arrays and other values as Python text
    graph      the case's graph as Python text
    carry      source of the reference and of the ports, pruned to what a case needs
    fold       ... and to what its arguments decide
    keras_training, numpy_training, torch_training, and `training`, which they share: the steps of a case that trains
    gradients  those of all outputs, where a gradient is what differs
    endings    lanes without an answer: weights of another shape, a process that did not survive
    keras_script, numpy_script, torch_script, and `script`, which chooses one, adds the check and puts it together
    issue      a script as a bug report
    kept       the scripts of a case that differs, as results hold them

A script ends with 0 where it gives what the report says, with 1 where it does not. Where no script can be honest,
`NotScriptable` says why. Generating one imports no framework.
"""
