"""Cases judged again whenever they, their data, the deviations or the code that answers them change.

    main       the process that stays: it holds the lanes and knows the files that each process has imported
    folders    what changes on the disk
    lanes      lanes that outlive rounds, each with a spare that waits with its framework imported
    judging    the process that judges, and the one that waits to take its place
    judge      what runs in that process: a pytest run a round
    told       what is printed of a round

Nothing that answers or judges may be stale: whichever process has imported a file that changes is replaced by one that
had imported nothing of ours, and the process that stays imports what lanes are started with and nothing else; where
that changes, it begins anew.
"""
