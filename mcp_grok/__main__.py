"""`python -m mcp_grok` is the command `mcp-grok`."""

import sys

from mcp_grok.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
