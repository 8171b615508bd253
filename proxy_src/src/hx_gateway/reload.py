"""SIGHUP: the configuration is read again, and no request notices."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hx_gateway.config import ConfigError
from hx_gateway.generation import open_generation
from hx_gateway.log import LOGGER, event, redact
from hx_gateway.notify import notify_ready, notify_reloading
from hx_gateway.status import Status

if TYPE_CHECKING:
    from hx_gateway.config import Config
    from hx_gateway.config.source import Source
    from hx_gateway.generation import Generation
    from hx_gateway.log import LogSink
    from hx_gateway.middleware import ServiceState
    from hx_gateway.server import GatewayServer
    from hx_gateway.server.under_way import UnderWay
    from hx_gateway.views import Views

RESTART_KEYS = ("listen.address", "listen.port", "listen.backlog", "metrics", "admin", "workers")
"""What a running process cannot change."""


def restart_needed(old: Config, new: Config) -> list[str]:
    """Return the keys whose change a reload cannot bring about."""
    before, after = old.model_dump(), new.model_dump()
    return [key for key in RESTART_KEYS if _value(before, key) != _value(after, key)]


def _value(dump: dict[str, Any], key: str) -> object:
    section, _, name = key.partition(".")
    return dump[section][name] if name else dump[section]


class Reloader:
    """Replaces the pipeline: requests that begin get the new one, those under way keep theirs."""

    def __init__(
        self,
        generation: Generation,
        server: GatewayServer,
        log: LogSink,
        state: ServiceState,
        views: Views,
        source: Source,
    ) -> None:
        self._generation = generation
        self._server = server
        self._log = log
        self._state = state
        self._views = views
        self._source = source
        self.status = Status(source.changed_at)
        self._lock = asyncio.Lock()
        self._retiring: set[asyncio.Task[None]] = set()

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self._generation.config

    async def reload(self) -> None:
        """Read the file again; one that is wrong is refused, and what runs stays."""
        async with self._lock:
            notify_reloading()
            try:
                keys = await self._replace(await asyncio.to_thread(self._source.read))
                self.status = Status(self._source.changed_at, tuple(keys))
            except ConfigError as error:
                self._refuse(str(error))
            except Exception as error:  # whatever it is: a reload must not end what runs
                self._refuse(f"{type(error).__name__}: {redact(str(error))}", exc_info=True)
            finally:
                notify_ready(self.status)

    def _refuse(self, reason: str, *, exc_info: bool = False) -> None:
        event("reload_refused", logging.ERROR, exc_info=exc_info, reason=reason)
        self.status = replace(self.status, refused_of=self._source.changed_at, refused_reason=reason)

    async def _replace(self, config: Config) -> list[str]:
        """Put `config` in force; return the keys that wait for a restart."""
        old = self._generation
        keys = restart_needed(old.config, config)
        config = config.model_copy(update=_kept(old.config, config))
        new = await open_generation(config, self._log, self._state)
        self._views.show(new.services)
        self._generation = new
        LOGGER.setLevel(config.log.level.upper())
        under_way = self._server.configure(new.handler, config, new.services.on_refusal)
        retiring = asyncio.create_task(self._retire(old, under_way))
        self._retiring.add(retiring)
        retiring.add_done_callback(self._retiring.discard)
        event("reloaded", requests=under_way.count, restart_needed=keys)
        return keys

    async def _retire(self, generation: Generation, under_way: UnderWay) -> None:
        await under_way.ended()
        await generation.aclose()
        self._views.end(generation.services)

    async def aclose(self) -> None:
        """Let go of every generation; no request may be under way."""
        if self._retiring:
            await asyncio.wait(self._retiring)
        await self._generation.aclose()


def _kept(old: Config, new: Config) -> dict[str, object]:
    kept: dict[str, object] = {key: getattr(old, key) for key in RESTART_KEYS if "." not in key}
    listen = {key.partition(".")[2] for key in RESTART_KEYS if "." in key}
    return {**kept, "listen": new.listen.model_copy(update={name: getattr(old.listen, name) for name in listen})}
