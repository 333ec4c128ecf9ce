"""One judged run as typed, frozen values: all that any report, diff or message is made from.

    run     a results file: its lanes, and a record a case
    case    a case: its question, and what its lanes gave
    lane    what one lane gave for a case, and what was said of it
    parts   arrays, distances, findings, pictures
    beside  what is laid beside a case for its page
    build   makes the record of a case from its verdict

Every field has a docstring: the schema of results files is made from them (`conformance.form`).
"""
