"""The MCP prompts: requests that a user selects in a client, so that the client's model calls the tool."""

from collections.abc import Mapping
from dataclasses import dataclass

from mcp_types import GetPromptResult, Prompt, PromptArgument, PromptMessage, TextContent

from mcp_grok.errors import InvalidRequest
from mcp_grok.toolsets import CHAT


@dataclass(frozen=True, slots=True)
class Template:
    """A prompt.

    Attributes:
        name: The name in the protocol.
        title: The name that clients display.
        description: Its purpose.
        arguments: The description of each argument; all are required.
        text: The message to the client's model, with `{name}` for each argument.
    """

    name: str
    title: str
    description: str
    arguments: Mapping[str, str]
    text: str

    def prompt(self) -> Prompt:
        """The prompt as clients list it."""
        arguments = [
            PromptArgument(name=name, description=description, required=True)
            for name, description in self.arguments.items()
        ]
        return Prompt(name=self.name, title=self.title, description=self.description, arguments=arguments)


TEMPLATES = {
    template.name: template
    for template in (
        Template(
            "ask_grok",
            "Ask Grok",
            "Asks Grok a question, and returns its answer unchanged",
            {"question": "The question"},
            f"Call {CHAT} with this question as the only user message, and give me its answer unchanged:"
            "\n\n{question}",
        ),
        Template(
            "second_opinion",
            "A second opinion from Grok",
            "Asks Grok for the errors in a text or a plan, and weighs its points",
            {"text": "The text or plan to judge"},
            f"Call {CHAT} with the text below as a user message, after a system message that asks for its errors, gaps "
            "and better alternatives, most serious first. Then tell me which of its points you agree with, and "
            "why.\n\n{text}",
        ),
    )
}


def get_prompt(name: str, arguments: Mapping[str, str]) -> GetPromptResult:
    """A prompt with the values of its arguments.

    Raises:
        InvalidRequest: there is no such prompt, or an argument is missing.
    """
    template = TEMPLATES.get(name)
    if template is None:
        raise InvalidRequest(f"Unknown prompt {name!r}; this server has {', '.join(TEMPLATES)}.", param="name")
    missing = [argument for argument in template.arguments if not arguments.get(argument)]
    if missing:
        raise InvalidRequest(f"The prompt {name} needs {', '.join(missing)}.", param=missing[0])
    text = template.text
    for argument in template.arguments:
        text = text.replace(f"{{{argument}}}", arguments[argument])
    message = PromptMessage(role="user", content=TextContent(text=text))
    return GetPromptResult(description=template.description, messages=[message])
