"""THE STORY: what happens between a source and an inbox, in three steps that never call one another.

    collect   web      -> database    ask the sources, merge their listings into papers, note every change
    compose   database -> database    for every subscriber due: what is true now and was not at their last edition
    deliver   database -> mail        lease, render, send, mark; one message at a time

Each step may be run again, killed at any point, and run in several processes at once: all state is in rows.
"""
