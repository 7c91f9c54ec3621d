// Lists the tools, checks their schemas strictly, and calls each of them.
import assert from "node:assert/strict";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { Ajv } from "ajv";

const question = process.argv[2] ?? "Hello";
const keys = ["MCP_GROK_PROVIDER", "MCP_GROK_API_KEY", "ACEDATACLOUD_API_TOKEN", "LLMPROVIDER_API_KEY", "XAI_API_KEY"];
// Without a key, the sandbox; a second is enough to see a call handed off.
const sandbox = keys.some((name) => name in process.env) ? {} : { MCP_GROK_PROVIDER: "sandbox" };
const env = { MCP_GROK_HANDOFF_AFTER: "1", ...sandbox, ...process.env };
const client = new Client(
  { name: "node-example", version: "1.0.0" },
  { versionNegotiation: { mode: process.env.MCP_MODE ?? "legacy" } },
);
await client.connect(new StdioClientTransport({ command: process.env.MCP_GROK ?? "mcp-grok", env }));

const ajv = new Ajv({ strict: true, strictTypes: false });
const schemas = new Map();
for (const tool of (await client.listTools()).tools) {
  schemas.set(tool.name, ajv.compile(tool.inputSchema));
}

async function call(name, args) {
  const fits = schemas.get(name);
  assert(fits(args), `${name}: ${ajv.errorsText(fits.errors)}`);
  const result = await client.callTool({ name, arguments: args });
  return { ...JSON.parse(result.content[0].text), isError: result.isError ?? false };
}

const messages = [{ role: "user", content: question }];
const answer = await call("grok_chat_completions", { messages });
console.log(answer.choices[0].message.content);

const slow = { messages, model: "sandbox-slow:2" };
if (env.MCP_GROK_PROVIDER === "sandbox") {
  let pending = await call("grok_chat_completions", slow);
  assert.equal(pending.object, "chat.completion.pending");
  while (pending.object === "chat.completion.pending") {
    pending = await call(pending.next.tool, pending.next.arguments);
  }
  console.log("handed off, then fetched:", pending.choices[0].finish_reason);

  const stopped = await call("grok_chat_completions", slow);
  const { status } = await call("grok_cancel_completion", { id: stopped.id });
  console.log("handed off, then", status);
  assert.equal((await call("grok_get_completion", { id: stopped.id })).error.code, "cancelled");
}
await client.close();
