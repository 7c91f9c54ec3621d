// The tools of Vercel's AI SDK.
import { createMCPClient } from "@ai-sdk/mcp";
import { Experimental_StdioMCPTransport as StdioTransport } from "@ai-sdk/mcp/mcp-stdio";
import { args, command, env, report } from "./plan.mjs";

const client = await createMCPClient({ transport: new StdioTransport({ command, args, env }) });
const tools = await client.tools();
await report(Object.keys(tools), async (name, given) => {
  const { content, isError } = await tools[name].execute(given, { toolCallId: "1", messages: [] });
  return [content[0].text, Boolean(isError)];
});
