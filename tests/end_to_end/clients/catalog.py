"""The clients, in exact versions, and what each cannot do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

NO_PROGRESS = {"streamed": "does not ask for progress"}
NO_SESSION = {"hand-off": "starts a process for each call, and the call ends with it"}


@dataclass(frozen=True)
class Client:
    """A client or framework.

    Attributes:
        driver: The file in `drivers/` that makes calls through it.
        packages: What it needs; the first is the client itself.
        cannot: The columns of the table that it cannot fill, and why.
        quick: Whether it is installed fast enough for every run of the tests.
    """

    name: str
    registry: Literal["PyPI", "npm"]
    driver: str
    packages: tuple[str, ...]
    cannot: Mapping[str, str] = field(default_factory=dict)
    quick: bool = False

    @property
    def version(self) -> str:
        """The version of the client itself."""
        return self.packages[0].replace("==", "@").rpartition("@")[2]


CLIENTS = (
    Client("Python SDK 2", "PyPI", "with_sdk_2.py", ("mcp==2.3.0",)),
    Client("Python SDK 1", "PyPI", "with_sdk_1.py", ("mcp==1.30.0",), quick=True),
    Client("TypeScript SDK 2", "npm", "with_sdk_2.mjs", ("@modelcontextprotocol/client@2.4.0",), quick=True),
    Client("TypeScript SDK 1", "npm", "with_sdk_1.mjs", ("@modelcontextprotocol/sdk@1.32.2",), quick=True),
    Client("FastMCP", "PyPI", "with_fastmcp.py", ("fastmcp==4.2.3",), quick=True),
    Client("LangChain", "PyPI", "with_langchain.py", ("langchain-mcp-adapters==0.3.2", "mcp==1.30.0"), quick=True),
    Client("LangChain.js", "npm", "with_langchain.mjs", ("@langchain/mcp-adapters@1.1.4",)),
    Client("LlamaIndex", "PyPI", "with_llama_index.py", ("llama-index-tools-mcp==0.6.0",), NO_SESSION | NO_PROGRESS),
    Client("Pydantic AI", "PyPI", "with_pydantic_ai.py", ("pydantic-ai-slim[mcp]==2.68.0",)),
    Client("OpenAI Agents", "PyPI", "with_openai_agents.py", ("openai-agents==0.24.0",), NO_PROGRESS),
    Client("Google ADK", "PyPI", "with_google_adk.py", ("google-adk==2.13.0", "mcp==1.30.0")),
    Client("CrewAI", "PyPI", "with_crewai.py", ("crewai-tools[mcp]==1.15.30",), NO_PROGRESS),
    Client("Strands Agents", "PyPI", "with_strands.py", ("strands-agents==1.62.0",)),
    Client("Agno", "PyPI", "with_agno.py", ("agno==3.1.10", "fastmcp==4.2.3"), NO_PROGRESS),
    Client("smolagents", "PyPI", "with_smolagents.py", ("smolagents[mcp]==1.26.0", "mcp==1.30.0"), NO_PROGRESS),
    Client("Semantic Kernel", "PyPI", "with_semantic_kernel.py", ("semantic-kernel[mcp]==1.45.0",), NO_PROGRESS),
    Client("AutoGen", "PyPI", "with_autogen.py", ("autogen-ext[mcp]==0.7.5", "mcp==1.30.0"), NO_PROGRESS),
    Client("mcp-use", "PyPI", "with_mcp_use.py", ("mcp-use==1.7.1",), NO_PROGRESS),
    Client("AI SDK", "npm", "with_ai_sdk.mjs", ("@ai-sdk/mcp@2.0.99",), NO_PROGRESS),
    Client("mcporter", "npm", "with_mcporter.py", ("mcporter@0.12.3",), NO_SESSION | NO_PROGRESS),
    Client(
        "MCP Inspector",
        "npm",
        "with_inspector.py",
        ("@modelcontextprotocol/inspector@2.12.0",),
        NO_SESSION | NO_PROGRESS,
    ),
)
