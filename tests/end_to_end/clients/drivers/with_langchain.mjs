// LangChain's tools, in JavaScript.
import { MultiServerMCPClient } from "@langchain/mcp-adapters";
import { args, command, env, onprogress, report } from "./plan.mjs";

const client = new MultiServerMCPClient({
  mcpServers: { grok: { transport: "stdio", command, args, env } },
  onProgress: onprogress,
});
const tools = Object.fromEntries((await client.getTools()).map((tool) => [tool.name, tool]));
await report(Object.keys(tools), async (name, given) => [(await tools[name].invoke(given)).text, false]);
