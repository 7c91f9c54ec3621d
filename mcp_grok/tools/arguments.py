"""Reading the arguments of the small tools, by the same kinds as those of the large one."""

from collections.abc import Mapping
from typing import Any

from mcp_grok.errors import InvalidRequest
from mcp_grok.upstream.parameters import Kind


def read_arguments(parameters: Mapping[str, Kind], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as the kinds read them; `id` must be among them.

    Raises:
        InvalidRequest: one is wrong, unknown or missing; `param` names it.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    for name in given:
        if name not in parameters:
            raise InvalidRequest(f"{name!r} is not a parameter; give {', '.join(parameters)}.", param=name)
    if "id" not in given:
        raise InvalidRequest("id is missing; give the id of a chat.completion.pending result.", param="id")
    return {name: parameters[name].read(name, value) for name, value in given.items()}
