"""The style, the icon and the thirty lines of script, kept by browsers for a day."""

from flask import Blueprint, Response

from bot.web.site import Site

KEEP = "public, max-age=86400"
FILES = {"style.css": "text/css", "live.js": "text/javascript", "icon.svg": "image/svg+xml"}


def blueprint(site: Site) -> Blueprint:
    pages = Blueprint("assets", __name__)

    def file(name: str) -> Response:
        text = site.templates.loader.get_source(site.templates, f"web/{name}")[0] if site.templates.loader else ""
        return Response(text, content_type=f"{FILES[name]}; charset=utf-8", headers={"Cache-Control": KEEP})

    for name in FILES:
        pages.add_url_rule(f"/{name}", name.replace(".", "_"), file, defaults={"name": name})

    @pages.get("/robots.txt")
    def robots() -> Response:
        closed = ("u", "t", "e", "confirm", "manage", "feed", "admin", "preview")
        lines = ["User-agent: *", *(f"Disallow: /{path}" for path in closed)]
        return Response("\n".join(lines) + "\n", content_type="text/plain", headers={"Cache-Control": KEEP})

    return pages
