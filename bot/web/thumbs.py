"""/t/TOKEN: more like this, less like this, keep it. The page shows the paper and asks; POST writes it down."""

from flask import Blueprint, Response, abort, request

from bot.mail.tokens import Token
from bot.store import history, thumbs
from bot.store.subscribers import StoredSubscriber
from bot.web.shown_paper import ShownPaper, shown_paper
from bot.web.site import Site


def blueprint(site: Site) -> Blueprint:
    pages = Blueprint("thumbs", __name__)

    def paper_of(token: str) -> tuple[Token, StoredSubscriber, int, ShownPaper]:
        opened, subscriber = site.opened(token, *thumbs.KINDS)
        with site.database.read() as tx:
            latest = history.latest_revision(tx)
            number = history.current(tx, [opened.item_id], latest.id if latest else 0).get(
                opened.item_id, opened.item_id
            )
            paper = history.by_ids(tx, [number]).get(number)
        if paper is None:
            abort(404)
        return opened, subscriber, number, shown_paper(paper)

    @pages.get("/t/<token>")
    def ask(token: str) -> Response:
        opened, subscriber, number, paper = paper_of(token)
        with site.database.read() as tx:
            given = {thumb.kind for thumb in thumbs.of_subscriber(tx, subscriber.id) if thumb.paper_id == number}
        is_given = opened.purpose in given
        return site.page("thumb.html", paper=paper, kind=opened.purpose, is_given=is_given, done="", private=True)

    @pages.post("/t/<token>")
    def give(token: str) -> Response:
        opened, subscriber, number, paper = paper_of(token)
        undo = request.form.get("undo") == "1"
        kind = opened.purpose
        assert kind == "more" or kind == "less" or kind == "save"
        with site.database.write() as tx:
            if undo:
                thumbs.take_back(tx, subscriber.id, number, kind)
            else:
                thumbs.give(tx, subscriber.id, number, kind, site.clock())
        done = "undone" if undo else "given"
        return site.page("thumb.html", paper=paper, kind=kind, is_given=not undo, done=done, private=True)

    return pages
