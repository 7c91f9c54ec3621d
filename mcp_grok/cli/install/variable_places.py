"""Where a user sets an environment variable so that a client gets it, now and after the next start of the machine."""

from mcp_grok.cli.install.clients import McpClient


def advice(client: McpClient, variable: str, platform: str) -> str:
    """What to do so that a client gets a variable.

    Args:
        client: The client.
        variable: The name of the variable.
        platform: The system, as in `sys.platform`.
    """
    if platform == "win32":
        return f"Run setx {variable} and its value once, then start {client.title} from a new window."
    if not client.desktop:
        return (
            f"Put export {variable}=… into the profile of your shell, such as ~/.zshrc or ~/.bashrc, then start "
            f"{client.title} from a new terminal."
        )
    if platform == "darwin":
        return (
            "Programs on the desktop do not read the profile of your shell: after each login, run launchctl setenv "
            f'{variable} "${variable}", then start {client.title} again.'
        )
    return (
        f"Programs on the desktop do not read the profile of your shell: put {variable}=… into a file in "
        "~/.config/environment.d/ whose name ends in .conf, then log in again."
    )
