// Makes a call that times out, and the same call again, with the TypeScript SDK that is installed: repeat.mjs URL SECONDS
const [url, patience] = process.argv.slice(2);
const two = await import("@modelcontextprotocol/client").catch(() => null);
const { Client, StreamableHTTPClientTransport } = two ?? {
  ...(await import("@modelcontextprotocol/sdk/client/index.js")),
  ...(await import("@modelcontextprotocol/sdk/client/streamableHttp.js")),
};
const client = new Client({ name: "tests", version: "0" });
await client.connect(new StreamableHTTPClientTransport(new URL(url)));
const call = { name: "grok_chat_completions", arguments: { messages: [{ role: "user", content: "Hello" }] } };
const ask = (timeout) => (two ? client.callTool(call, { timeout }) : client.callTool(call, undefined, { timeout }));
let timedOut = "";
await ask(1000 * patience).catch((error) => (timedOut = String(error)));
const result = await ask(30_000);
console.log(JSON.stringify({ timedOut, meta: result._meta, text: result.content[0].text }));
process.exit(0);
