"""A canned world for the console's tests: the shop in production and staging, one canary that
waits for a person, one that bakes, one unit held after an automatic rollback; and as many quiet
deployments as a test asks for."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
POSSIBLE = (
    *("promote", "promote_full", "pause", "resume", "abort", "retry", "rollback", "deploy"),
    *("scale", "unhold", "extend", "step_back", "hold", "lock", "unlock"),
    *("abort_gradual", "ignore", "ack", "delete", "unqueue"),
)


class Refusal(Exception):
    """An answer that is not 2xx."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def deployment(key: str, **more: Any) -> Json:
    """A healthy, quiet deployment; ``more`` says what is different."""
    unit, _, environment = key.partition("@")
    version = more.pop("version", "v7")
    now = time.time()
    idle = dict.fromkeys(POSSIBLE, "no rollout is moving")
    view: Json = {
        "key": key,
        "unit": unit,
        "environment": environment,
        "seq": 10,
        "version": version,
        "status": "healthy",
        "status_text": f"100 % on {version} (healthy)",
        "health": "healthy",
        "since": now - 86400,
        "replicas": 2,
        "ready": 2,
        "revisions": [revision(version, "stable", 100)],
        "rollout": None,
        "waiting": None,
        "queued": None,
        "hold": None,
        "lock": None,
        "stop": None,
        "notice": None,
        "actions": {**idle, "rollback": None, "deploy": None, "scale": None},
        "good": [
            {
                "version": good,
                "revision": f"{good}-aa",
                "at": now - 9e4,
                "by": "kim",
                "baked_s": 600.0,
                "verdict": "PROMOTE: no harm seen",
                "measured": {"rps": 120.0, "error_ratio": 0.001, "p50_s": 0.01, "p95_s": 0.04},
            }
            for good in ("v6", "v5")
        ],
        "project": "",
        "endpoint": f"http://127.0.0.1:9000/{unit}",
        "preview": "",
        "seen_at": now,
        "problem": None,
        "numbers": {"rps": None, "error_ratio": None, "p50_s": None, "p95_s": None},
        "by_revision": {},
    }
    return view | more


def revision(version: str, role: str, weight: int, replicas: int = 2) -> Json:
    """A revision whose replicas are all ready."""
    now = time.time()
    return {
        "id": f"{version}-aa",
        "version": version,
        "role": role,
        "colour": "",
        "wanted": replicas,
        "ready": replicas,
        "weight_wished": weight,
        "weight_seen": weight,
        "error": None,
        "copies": "",
        "replicas": [
            {
                "id": f"{version}-{n}",
                "state": "ready",
                "since": now - 300,
                "restarts": 0,
                "last_exit": None,
                "problem": None,
                "health_failures": 0,
                "inflight": 1,
                "memory_bytes": 3_500_000,
                "cpu_s": 1.5,
                "next_start_at": None,
            }
            for n in range(replicas)
        ],
    }


def _step(title: str, state: str, began: float | None, planned: float | None) -> Json:
    ended = began + (planned or 2) if began and state == "done" else None
    return {
        "title": title,
        "state": state,
        "began": began,
        "ended": ended,
        "planned_s": planned,
        "note": "",
    }


def canary(waits: bool = True) -> Json:
    """A rollout v41→v42 at 25 %."""
    now = time.time()
    at = now - 271
    states = ["done"] * 5 + (["now", "todo", "todo"] if waits else ["done", "done", "now"])
    titles: list[tuple[str, float | None]] = [
        ("deploy v42", None),
        ("healthy 2/2", None),
        ("smoke test", None),
        ("5 % for", 60),
        ("25 % for", 120),
        ("wait for you", None),
        ("50 %", 120),
        ("100 %, bake", 600),
    ]
    return {
        "id": "r-1",
        "strategy": "canary",
        "base": "v41",
        "candidate": "v42",
        "by": "kim",
        "at": at,
        "why": "new pricing engine",
        "phase": "forward",
        "outcome": None,
        "finished_at": None,
        "steps": [
            _step(title, state, at + 10 * n if state != "todo" else None, planned)
            for n, ((title, planned), state) in enumerate(zip(titles, states, strict=True))
        ],
        "index": 5 if waits else 7,
        "weight_wished": 25 if waits else 100,
        "weight_seen": 25 if waits else 100,
        "paused_by": None,
        "full": False,
        "glass": "",
        "verdict": {
            "kind": "CONTINUE",
            "reason": "no harm seen; sure enough to promote in about 2 min at this traffic",
            "at": now,
            "toward_abort": 0.08,
            "toward_promote": 0.62,
            "left_s": 120.0,
            "left_span_s": [90.0, 160.0],
            "whole_s": 460.0,
            "code": "gathering",
            "fix": "",
            "helps": [],
            "findings": [
                {
                    "metric": metric,
                    "base": base,
                    "candidate": candidate,
                    "difference": (candidate - base) / (base if metric == "p95" else 1),
                    "low": (candidate - base) / (base if metric == "p95" else 1) - tolerance * 0.3,
                    "high": (candidate - base) / (base if metric == "p95" else 1) + tolerance * 0.3,
                    "tolerance": tolerance,
                    "base_requests": 54310,
                    "candidate_requests": 18240,
                    "state": "unsure",
                }
                for metric, base, candidate, tolerance in (
                    ("errors", 0.0040, 0.0046, 0.005),
                    ("p95", 0.087, 0.088, 0.2),
                )
            ],
        },
        "cause": None,
        "cause_by": None,
        "ab": None,
        "verified": None,
        "brewing": [],
        "check": "analysis",
        "way_back": "v41 is warm, 2 of 2: about 0.3 s",
    }


def _turn(key: str, act: str, text: str) -> Json:
    return {"deployment": key, "act": act, "leaves": "v7", "to": "v6", "text": text}


@dataclass
class CannedWorld:
    """Deployments, events and a stop that obeys."""

    deployments: dict[str, Json]
    seq: int = 100
    boot: str = "boot-1"
    frozen: str | None = None
    stops: list[Json] = field(default_factory=list)
    rollbacks: list[Json] = field(default_factory=list)
    trains: list[Json] = field(default_factory=list)
    still: list[str] = field(default_factory=list)
    windows: list[Json] = field(default_factory=list)
    glass: str = ""
    """The freeze window every preview has in its way."""
    events: list[Json] = field(default_factory=list)
    touched: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, rows: int) -> CannedWorld:
        """The shop, filled up with quiet deployments to ``rows`` in all."""
        now = time.time()
        moving = dict.fromkeys(POSSIBLE)
        moving.update(resume="nothing is paused", retry="v42 is on its way", unhold="not held")
        shop = [
            deployment(
                "cart@production",
                version="v41",
                status="waiting",
                status_text="v41→v42 at 25 %, waits for you",
                revisions=[revision("v41", "base", 75), revision("v42", "candidate", 25)],
                rollout=canary(),
                replicas=4,
                ready=4,
                waiting={
                    "what": "waits for you",
                    "since": now - 240,
                    "person": True,
                    "until": now + 1560,
                    "then": "aborts",
                },
                actions=moving,
            ),
            deployment(
                "checkout@production",
                version="v12",
                status="degraded",
                health="degraded",
                status_text="100 % on v12 (degraded)",
                ready=1,
                problem="replica v12-1 ended by signal 9, starts again in 8 s",
            ),
            deployment(
                "search@staging",
                version="v8",
                status="baking",
                status_text="v7→v8 at 100 %, bakes",
                rollout=canary(waits=False) | {"base": "v7", "candidate": "v8"},
                actions=moving,
            ),
            deployment(
                "catalog@production",
                version="v21",
                status="aborted",
                status_text="aborted v22: 100 % on v21 (healthy)",
                hold={
                    "scope": "catalog@production",
                    "mode": "hold",
                    "by": "engine",
                    "at": now - 600,
                    "why": "errors 6.1 % > 5 %",
                },
            ),
            deployment("漢字サービス@production", version="v1"),
        ]
        quiet = (deployment(f"unit-{n:04}@production") for n in range(max(0, rows - len(shop))))
        views = [*shop[:rows], *quiet]
        world = cls({view["key"]: view for view in views})
        for by, kind, key, text, why, level in (
            ("kim", "rollout_began", "cart@production", "began v42", "new pricing engine", "info"),
            ("engine", "aborted", "catalog@production", "back to v21 in 0.4 s", "errors", "bad"),
            ("kim", "promoted", "cart@production", "promoted to 25 %", "metrics flat", "ok"),
        ):
            world.event(by, kind, key, text, why=why, level=level)
        return world

    # What clients ask ---------------------------------------------------------------------

    def hello(self) -> Json:
        return {
            "name": "gaesup",
            "version": "0.1.0",
            "api": 1,
            "boot": self.boot,
            "pid": 4242,
            "seq": self.seq,
            "rev": 1,
            "frozen": self.frozen,
            "started_at": time.time() - 60,
        }

    def engine(self) -> Json:
        moving = [k for k, d in self.deployments.items() if d["rollout"] and _active(d)]
        return {
            "version": "0.1.0",
            "pid": 4242,
            "boot": self.boot,
            "at": time.time(),
            "frozen": self.frozen,
            "stops": self.stops,
            "rollbacks": self.rollbacks,
            "trains": self.trains,
            "windows": self.windows,
            "moving": moving,
            "still": self.still,
            "backends": {"local": time.time()},
            "strangers": [],
            "actions": {
                "stop": None,
                "release": None if self.stops else "nothing is stopped or frozen",
            },
        }

    def overview(self) -> Json:
        return {
            "seq": self.seq,
            "rev": 1,
            "engine": self.engine(),
            "deployments": list(self.deployments.values()),
            "recent": self.events[-50:],
        }

    def preview(self, query: dict[str, str]) -> Json:
        action, key = query["action"], query["deployment"]
        view = self._find(key)
        if reason := view["actions"].get("scale" if action.startswith("scale") else action):
            raise Refusal(409, "refused", f"{action} {key}: {reason}")
        return {
            "action": action,
            "deployment": key,
            "title": f"{action.replace('_', ' ').capitalize()} {key}",
            "lines": [
                ["Now", "v41 75 %   v42 25 %   (seen 2 s ago)"],
                ["Then", "v41 50 %   v42 50 %   about 310 requests/s more on v42"],
                ["Way back", "abort: v41 is warm, 2 of 2: about 0.3 s"],
            ],
            "confirm_key": "y",
            "confirm_title": action,
            "typed": "",
            "needs_reason": action in ("unhold", "ignore", "hold", "lock") or bool(self.glass),
            "check": "analysis" if action == "ignore" else "",
            "glass": self.glass,
            "expect_seq": None if action == "abort" else view["seq"],
        }

    def stop_preview(self) -> Json:
        moving = self.engine()["moving"]
        count = len(self.deployments)
        scopes = [
            {"scope": "", "title": "everything", "rollouts": moving, "deployments": count},
            {
                "scope": "production",
                "title": "production",
                "rollouts": moving[:1],
                "deployments": 9,
            },
        ]
        return {"scopes": scopes, "switch_s": 0.4}

    def rollback_preview(self, scope: str) -> Json:
        moves = [k for k in self.deployments if not scope or k.endswith(f"@{scope}")]
        turns = [_turn(key, "rollback", "v7 → v6") for key in moves]
        return {
            "scope": scope,
            "title": f"Global rollback of {scope or 'everything'}: {len(turns) - 1} go back",
            "groups": [turns[:1], turns[1:-1]],
            "skipped": [_turn(moves[-1], "skip", "no stable version before v1")],
            "refused": None,
        }

    def history(self, query: dict[str, str]) -> list[Json]:
        key = query.get("deployment")
        found = [event for event in self.events if not key or event["deployment"] == key]
        return found[-int(query.get("limit", "500")) :]

    def series(self, query: dict[str, str]) -> Json:
        gap: list[float | None] = [None] * int(query["points"])
        return {"at": time.time(), "step_s": 1, "rps": gap, "revisions": {}}

    def verdicts(self, rollout: str) -> Json:
        """A minute of a judgement in which the verdict turned once."""
        findings = self.deployments["cart@production"]["rollout"]["verdict"]["findings"]
        now = time.time()
        return {
            "rollout": rollout,
            "base": "v41",
            "candidate": "v42",
            "kind": "CONTINUE",
            "reason": "nothing wrong so far, not enough evidence yet",
            "began_at": now - 60.0,
            "tick_s": 5.0,
            "ticks": 12,
            "past_s": 1800.0,
            "points": [
                {
                    "at": now - 60.0 + 5 * n,
                    "end_s": 5.0 * n,
                    "kind": "CONTINUE",
                    "toward_abort": 0.3 / n,
                    "toward_promote": n / 14,
                    "bands": {
                        "errors": [-2.0 / n, 0.1, 3.0 / n],
                        "p95": [-3.0 / n, -0.1, 4.0 / n],
                    },
                }
                for n in range(1, 13)
            ],
            "turns": [
                {
                    "at": now - 55.0,
                    "end_s": 5.0,
                    "kind": "NO EVIDENCE",
                    "code": "idle",
                    "reason": "no requests on either side for 5s: load would help",
                    "findings": [],
                },
                {
                    "at": now - 40.0,
                    "end_s": 20.0,
                    "kind": "CONTINUE",
                    "code": "gathering",
                    "reason": "nothing wrong so far, not enough evidence yet",
                    "findings": findings,
                },
            ],
            "left_out": 0,
            "flips": ["26 more errors than usual in the next minute would abort it"],
        }

    def since(self, seq: int) -> list[Json]:
        return [event for event in self.events if seq >= 0 and event["seq"] > seq]

    def log_line(self, query: dict[str, str], number: int) -> Json:
        level = "error" if number % 17 == 0 else "info"
        return {
            "at": time.time(),
            "revision": "v41-aa",
            "replica": "v41-0",
            "stream": "stdout",
            "line": f"{level} GET /{query.get('deployment', '')} {number} 200",
        }

    # What happens -------------------------------------------------------------------------

    def event(
        self, by: str, kind: str, key: str, text: str, *, why: str = "", level: str = "info"
    ) -> Json:
        """Journal an event."""
        self.seq += 1
        event = {
            "seq": self.seq,
            "at": time.time(),
            "by": by,
            "kind": kind,
            "deployment": key,
            "text": text,
            "why": why,
            "level": level,
        }
        self.events.append(event)
        return event

    def obey(self, command: Json) -> Json:
        """Do what the console's tests look for: an effect and a receipt."""
        action = command["action"]
        if action.startswith("train_"):
            return self._on_train(command)
        if action in ("stop", "release", "global_rollback"):
            return self._stop_or_release(command)
        key = command["deployment"]
        view = self._find(key)
        expect = command.get("expect_seq")
        if expect is not None and expect != view["seq"]:
            raise Refusal(409, "moved", f"kim promoted {key} to 50 % 3 s ago")
        self.touched = [key]
        rollout = view["rollout"]
        if action == "abort" and rollout:
            self._to_stable(view)
        elif action == "promote" and rollout:
            rollout.update(weight_wished=50, weight_seen=50)
            view.update(status="progressing", status_text="v41→v42 at 50 %", waiting=None)
        elif action == "scale":
            view.update(replicas=command["replicas"], ready=command["replicas"])
        event = self.event("lee", action, key, f"{action} {key}", why=command.get("why", ""))
        view["seq"] = event["seq"]
        return self._receipt(event, f"{action} {key}: done", key)

    def _on_train(self, command: Json) -> Json:
        text = f"train {command['train']}: {command['action'].removeprefix('train_')}"
        return self._receipt(self.event("lee", command["action"], "", text), text, "")

    def _to_stable(self, view: Json) -> None:
        view["rollout"].update(phase="finished", outcome="aborted", weight_wished=0, weight_seen=0)
        stable = view["rollout"]["base"]
        view.update(
            status="aborted",
            status_text=f"aborted {view['rollout']['candidate']}: 100 % on {stable} (healthy)",
            waiting=None,
            revisions=[revision(stable, "stable", 100)],
        )
        view["actions"] = {**dict.fromkeys(POSSIBLE, "no rollout is moving"), "retry": None}

    def _stop_or_release(self, command: Json) -> Json:
        scope, why = command["scope"], command.get("why", "")
        self.touched = list(self.deployments)
        if command["action"] == "global_rollback":
            return self._roll_back(scope, why)
        if command["action"] == "release":
            self.rollbacks = [each for each in self.rollbacks if each["scope"] != scope]
            self.stops = [stop for stop in self.stops if stop["scope"] != scope]
            event = self.event("lee", "released", "", "let go", why=why)
            return self._receipt(event, "let go", "")
        mode = command["mode"]
        self.stops.append(
            {"scope": scope, "mode": mode, "by": "lee", "at": time.time(), "why": why}
        )
        if mode == "stop":
            for view in self.deployments.values():
                if view["rollout"] and _active(view):
                    self._to_stable(view)
        event = self.event("lee", "stopped", "", f"{mode} of {scope or 'everything'}", level="bad")
        return self._receipt(event, f"{mode}: done", "")

    def _roll_back(self, scope: str, why: str) -> Json:
        stop = {"scope": scope, "by": "lee", "at": time.time(), "why": why}
        self.stops.append({**stop, "mode": "rollback"})
        self.rollbacks.append(
            {
                **stop,
                "text": "1 of 7 back, group 2 of 2",
                "total": 7,
                "back": 1,
                "is_over": False,
                "problems": ["cart@production: not at rest within 90 s"],
                "skipped": ["mail@production: no stable version before v1"],
            }
        )
        event = self.event("lee", "global_rollback_started", "", "GLOBAL ROLLBACK", level="bad")
        return self._receipt(event, "GLOBAL ROLLBACK everything: 7 go back", "")

    def move_all(self) -> None:
        """Every deployment has an active rollout."""
        for view in self.deployments.values():
            view.update(rollout=canary(waits=False), status="baking")

    def _receipt(self, event: Json, text: str, key: str) -> Json:
        return {"seq": event["seq"], "text": text, "deployment": key, "repeated": False}

    def _find(self, key: str) -> Json:
        if key not in self.deployments:
            raise Refusal(404, "not_found", f"there is no deployment {key}")
        return self.deployments[key]

    def wobble(self, key: str, rng: random.Random) -> None:
        """Change something a grid shows."""
        view = self.deployments[key]
        view["ready"] = rng.randint(0, view["replicas"])
        view["health"] = "healthy" if view["ready"] == view["replicas"] else "degraded"
        if view["status"] in ("healthy", "degraded"):
            view["status"] = view["health"]
            view["status_text"] = f"100 % on {view['version']} ({view['health']})"

    def telemetry(self, keys: list[str], rng: random.Random) -> Json:
        """Numbers that differ each second."""
        rows = {}
        for key in keys:
            rps = 300 + 60 * rng.random()
            view = self.deployments[key]
            rows[key] = [
                rps,
                0.004 * rng.random(),
                0.021,
                0.085 + 0.01 * rng.random(),
                view["ready"],
                view["replicas"],
            ]
        return {"at": time.time(), "rows": rows, "revisions": {}}


def _active(view: Json) -> bool:
    return bool(view["rollout"]["phase"] != "finished")
