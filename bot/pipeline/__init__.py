"""THE STORY: what happens between a source and an inbox, in three steps that never call one another.

    collect   web      -> database    ask the sources, merge their listings into papers, note every change
    compose   database -> database    for every subscriber due: what is true now and was not at their last edition
    deliver   database -> mail        lease, render, send, mark; one message at a time

Beside the steps stands what they, the web pages and the verbs share: messages (`build_message`, `service_mail`,
`sender_identity`), what a refusal means (`bounce_rules`), what is too late (`expiry`), upkeep, people (`signup`,
`preferences`, `subscribers`), papers gone by (`reading`, `recent_papers`), tastes (`taste`, `libraries`), reading what
comes from outside in processes that can be ended (`parse_process`), and whether all is well (`liveness`,
`diagnostics`).

Each step may be run again, killed at any point, and run in several processes at once: all state is in rows.
"""
