"""Serve the page: what a caregiver may see and change, after pairing."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from assistant.clock import Clock
from assistant.settings.keys import keys
from assistant.web import forms
from assistant.web.link import Device
from assistant.web.names import LONGEST, speakable
from assistant.web.pairing import TRIES, Pairing
from assistant.web.previews import preview
from assistant.web.reasons import plain
from assistant.web.sessions import LASTS_S, Session, Sessions

_HERE: Final = Path(__file__).parent
_SESSION, _VISIT = "facecue", "facecue_visit"
_STATE_S: Final = 0.3  # a flood of requests asks the device no more than about three times a second

Handler = Callable[[Request, Session], Awaitable[Response]]


class Page:
    """Answer browsers. Belongs to one event loop.

    Args:
        device: answers for settings, health and words.
        pairing: judges codes.
        sessions: knows who is paired.
        clock: tells seconds.
    """

    def __init__(self, device: Device, pairing: Pairing, sessions: Sessions, clock: Clock) -> None:
        self._device, self._pairing, self._sessions, self._clock = device, pairing, sessions, clock
        self._state: dict[str, Any] = {}
        self._state_at_s = -1.0
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals |= {
            "sections": forms.SECTIONS,
            "shown_parts": {part for part in forms.SECTIONS if forms.part_keys(part)},
            "level_name": _level_name,
            "minutes": _minutes,
            "plain": plain,
            "introductions": forms.INTRODUCTIONS,
            "headings": forms.HEADINGS,
            "shown": lambda value: (
                ("no", "yes")[value] if isinstance(value, bool) else value if value != "" else "not set"
            ),
        }

    def application(self) -> Starlette:
        """Return the routes; put `Guard` before them."""
        paired = self._paired
        routes = [
            Route("/", paired(self._overview)),
            Route("/pair", self._pair, methods=["GET", "POST"]),
            Route("/settings/{part}", paired(self._settings), methods=["GET", "POST"]),
            Route("/undo", paired(self._undo), methods=["POST"]),
            Route("/leave", paired(self._leave), methods=["POST"]),
            Route("/device", paired(self._show_device)),
            Route("/words", paired(self._show_words)),
            Route("/profile", paired(self._profile), methods=["GET", "POST"]),
            Route("/profile/facecue-settings.toml", paired(self._export)),
            Route("/style.css", lambda _: FileResponse(_HERE / "style.css", media_type="text/css")),
            Route("/favicon.ico", lambda _: Response(status_code=204)),
        ]
        handlers: Any = {HTTPException: self._failed, ConnectionError: self._gone}
        return Starlette(routes=routes, exception_handlers=handlers)

    def _paired(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Let only paired browsers in, and only forms that this page gave them."""

        async def answer(request: Request) -> Response:
            session = self._sessions.find(request.cookies.get(_SESSION, ""))
            if session is None:
                return RedirectResponse("/pair", 303)
            if request.method == "POST":
                form = await request.form(max_files=1, max_fields=300)
                token = str(form.get("csrf", ""))
                if not secrets.compare_digest(token.encode(), session.csrf.encode()):
                    await form.close()
                    raise HTTPException(403, "This form is not from this page, or is too old. Nothing was changed.")
                try:
                    return await handler(request, session)
                finally:
                    await form.close()
            return await handler(request, session)

        return answer

    async def _pair(self, request: Request) -> Response:
        """Show the form for name and code, or judge it."""
        visit = request.cookies.get(_VISIT, "")
        if request.method == "GET" or not self._sessions.visited(visit):
            errors = {"code": "The page was open for too long. Try again."} if request.method == "POST" else {}
            return await self._pair_form(visit, errors)
        form = await request.form()
        if not secrets.compare_digest(str(form.get("csrf", "")).encode(), visit.encode()):
            raise HTTPException(403, "This form is not from this page. Nothing was changed.")
        name, code = speakable(str(form.get("name", ""))), str(form.get("code", "")).strip()
        missing = {} if name else {"name": "Type a name that can be spoken, such as Anna's phone."}
        missing |= {} if code else {"code": "Type the six digits that the device says."}
        if missing:
            return await self._pair_form(visit, missing, name)
        verdict = self._pairing.attempt(code)
        if verdict != "paired":
            return await self._pair_form(visit, {"code": self._refusal(verdict)}, name)
        cookie, session = self._sessions.start(name)
        session.message = f"Paired. The device calls you {session.name}."
        await self._device.ask("paired", name=session.name, names=self._sessions.names())
        self._forget_state()
        response = RedirectResponse("/", 303)
        response.set_cookie(_SESSION, cookie, max_age=int(LASTS_S), httponly=True, samesite="strict")
        response.delete_cookie(_VISIT, httponly=True, samesite="strict")
        return response

    def _refusal(self, verdict: str) -> str:
        if verdict == "wait":
            return f"Too many wrong codes. Wait {self._pairing.wait_s():.0f} seconds, then ask for a new code."
        if verdict == "no code" or not self._pairing.tries_left():
            return "No code is valid now. Ask the wearer to press the pairing key, and type what the device says."
        left = self._pairing.tries_left()
        return f"That is not the code. {left} of {TRIES} tries are left."

    async def _pair_form(self, visit: str, errors: dict[str, str], name: str = "") -> Response:
        visit = visit if self._sessions.visited(visit) else self._sessions.visit()
        state, status = await self._look(), 422 if errors else 200
        key = (state["values"]["controls.pair_code"].split() or [""])[0] if state["health"] else "Enter"
        response = self._render(
            "pair.html", None, status, errors=errors, name=name, csrf=visit, longest=LONGEST, pairing_key=key
        )
        response.set_cookie(_VISIT, visit, httponly=True, samesite="strict")
        return response

    async def _overview(self, request: Request, session: Session) -> Response:
        return self._render("overview.html", session, state=await self._look())

    async def _settings(self, request: Request, session: Session) -> Response:
        """Show one section, or take its form: a preview is spoken, all else is changed."""
        part = request.path_params["part"]
        if part not in forms.SECTIONS:
            raise HTTPException(404)
        values = (await self._look())["values"]
        if request.method == "GET":
            return self._section(session, part, values)
        form = await request.form()
        wished = forms.read(part, form, values)
        if "preview" in form:
            return await self._preview(session, part, str(form["preview"]), values | wished)
        errors = forms.problems(values | wished)
        if errors:
            return self._section(session, part, values | wished, errors)
        answer = await self._change({path: value for path, value in wished.items() if value != values[path]}, session)
        if answer.get("error"):
            return self._section(session, part, values | wished, {}, answer["error"])
        session.message = answer["said"] or "Nothing was different."
        return RedirectResponse(f"/settings/{part}", 303)

    async def _preview(self, session: Session, part: str, path: str, values: dict[str, Any]) -> Response:
        """Speak an example on the device, and write it on the page; what was typed stays, not yet saved."""
        text = preview(path, values)
        if text:
            answer = await self._device.ask("preview", path=path, value=values.get(path), text=text)
            silent = "The wearer has paused" if answer.get("paused") else "The device is still speaking"
            spoken = "The device says" if answer["spoken"] else f"{silent}; it would say"
            session.message = f"{spoken}: {answer['said']}"
        return self._section(session, part, values, previewed=path)

    def _section(
        self,
        session: Session,
        part: Any,
        values: dict[str, Any],
        errors: dict[str, str] | None = None,
        problem: str = "",
        previewed: str = "",
    ) -> Response:
        fields = forms.fields(part, values, errors, self._state.get("offers"))
        now = self._state.get("values", values)
        return self._render(
            "section.html",
            session,
            422 if errors or problem else 200,
            part=part,
            fields=fields,
            was={path: forms.shown(key, now[path]) for path, key in keys().items()},
            sources=self._state.get("sources", {}),
            previews={key.path for key in keys().values() if preview(key.path, values)},
            previewed=previewed,
            problem=problem,
        )

    async def _undo(self, request: Request, session: Session) -> Response:
        answer = await self._device.ask("undo", by=session.name)
        self._forget_state()
        session.message = answer["said"] or answer.get("error") or "There is nothing to take back."
        return RedirectResponse("/", 303)

    async def _leave(self, request: Request, session: Session) -> Response:
        self._sessions.end(session)
        await self._device.ask("sessions", names=self._sessions.names())
        response = RedirectResponse("/pair", 303)
        response.delete_cookie(_SESSION, httponly=True, samesite="strict")
        return response

    async def _show_device(self, request: Request, session: Session) -> Response:
        state = await self._look()
        own = [(key, state["values"][key.path]) for key in keys().values() if key.part == "device" and key.section]
        return self._render("device.html", session, state=state, own=own)

    async def _show_words(self, request: Request, session: Session) -> Response:
        return self._render("words.html", session, state=await self._look())

    async def _profile(self, request: Request, session: Session) -> Response:
        """Show export and import, or take in a file."""
        state = await self._look()
        if request.method == "GET":
            return self._render("profile.html", session, state=state, problem="")
        sent = (await request.form()).get("file")
        content = await sent.read() if isinstance(sent, UploadFile) else b""
        if not content.strip():
            problem = "Choose a file first."
        else:
            answer = await self._device.ask("import", text=content.decode("utf-8", "replace"), by=session.name)
            self._forget_state()
            problem = answer.get("error", "")
            session.message = answer.get("said") or ("" if problem else "Nothing was different.")
        if problem:
            return self._render("profile.html", session, 422, state=state, problem=problem)
        return RedirectResponse("/profile", 303)

    async def _export(self, request: Request, session: Session) -> Response:
        answer = await self._device.ask("export")
        return Response(answer["text"], media_type="text/plain", headers={"content-disposition": "attachment"})

    async def _change(self, values: dict[str, Any], session: Session) -> dict[str, Any]:
        answer = await self._device.ask("change", values=values, by=session.name)
        self._forget_state()
        return answer

    async def _look(self) -> dict[str, Any]:
        """Return the device's state, asked for a moment ago at most."""
        if self._clock.now_s() - self._state_at_s > _STATE_S or not self._state:
            self._state = await self._device.ask("state")
            self._state_at_s = self._clock.now_s()
        return self._state

    def _forget_state(self) -> None:
        self._state = {}

    def _render(self, template: str, session: Session | None, status: int = 200, **what: Any) -> Response:
        message = ""
        if session is not None:
            message, session.message = session.message, ""
        known = {"session": session, "message": message, "status": status, "previewed": "", **what}
        words = self._templates.get_template(template).render(known)
        return HTMLResponse(words, status)

    async def _failed(self, request: Request, error: HTTPException) -> Response:
        words = {404: "There is no such page.", 405: "That cannot be done here."}.get(error.status_code, error.detail)
        session = self._sessions.find(request.cookies.get(_SESSION, ""))
        return self._render("error.html", session, error.status_code, words=words)

    async def _gone(self, request: Request, error: Exception) -> Response:
        return self._render("error.html", None, 503, words="The device does not answer. Is Facecue still running?")


def _level_name(level: int) -> str:
    key = keys()["speech.verbosity"]
    return f"{level}. {key.names[key.choices.index(level)]}"


def _minutes(seconds: float) -> str:
    """Return a time of a run in words: 1 min 5 s."""
    whole = max(int(seconds), 0)
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"
