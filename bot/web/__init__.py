"""The web process: the only house of Flask. Pages that work without JavaScript, no cookie, no password, no tracking.

GET and HEAD change nothing, anywhere: scanners open every link of a mail. What a link may do is proven by the token in
it (`bot.mail.tokens`), and a POST acts at once and says the same when it is repeated.

    app       the Flask application: routes, headers, errors      server   the HTTP server and its limits
    site      what every page needs                               visitors who asks, and from where
    page_language  sentences, dates and schedules in the visitor's or the subscriber's language
    signup    the form and its preview; query_form its fields     confirming  the yes to it
    preferences, leaving, thumbs   by signed links                admin, monitoring   for the operator
    preferences_form, taste_form   the fields of the preferences, and what was typed into them
    editions, feed_pages, archive  reading; feeds the formats, shown_paper what is shown of a paper
    rate_limit, mail_domains       what a flood may cost           assets   style, icon, script
"""
