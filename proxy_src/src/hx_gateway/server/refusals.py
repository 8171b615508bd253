"""Tells those who report requests what never became one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hx_gateway.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hx_gateway.errors import GatewayError
    from hx_gateway.refusal import OnRefusal


class Refusals:
    """Passes each refusal on to those of the generation in force."""

    def __init__(self, told: Iterable[OnRefusal]) -> None:
        self.configure(told)

    def configure(self, told: Iterable[OnRefusal]) -> None:
        """Tell `told` from here on, instead of those before."""
        self._told = tuple(told)

    def tell(self, error: GatewayError, client: str, request_id: str) -> None:
        """Tell that `error` is what `client` gets."""
        refusal = Refusal(request_id, error.code, error.status, client)
        for told in self._told:
            told(refusal)
