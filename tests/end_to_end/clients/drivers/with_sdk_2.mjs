// The official TypeScript SDK, 2.x.
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { args, command, env, onprogress, report } from "./plan.mjs";

const client = new Client({ name: "tests", version: "0" });
await client.connect(new StdioClientTransport({ command, args, env }));
const { tools } = await client.listTools();
await report(
  tools.map((tool) => tool.name),
  async (name, given) => {
    const call = { name, arguments: given };
    const { content, isError } = await client.callTool(call, given.stream ? { onprogress } : {});
    return [content[0].text, Boolean(isError)];
  },
);
