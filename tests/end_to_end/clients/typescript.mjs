// Makes a call that times out, and the same call again: node typescript.mjs URL MAJOR_VERSION MILLISECONDS
const [url, major, patience] = process.argv.slice(2);
const { Client, StreamableHTTPClientTransport } =
  major === "1"
    ? {
        ...(await import("@modelcontextprotocol/sdk/client/index.js")),
        ...(await import("@modelcontextprotocol/sdk/client/streamableHttp.js")),
      }
    : await import("@modelcontextprotocol/client");
const client = new Client({ name: "tests", version: "0" });
await client.connect(new StreamableHTTPClientTransport(new URL(url)));
const call = { name: "grok_chat_completions", arguments: { messages: [{ role: "user", content: "Hello" }] } };
const ask = (timeout) =>
  major === "1" ? client.callTool(call, undefined, { timeout }) : client.callTool(call, { timeout });
let timedOut = "";
await ask(Number(patience)).catch((error) => (timedOut = String(error)));
const result = await ask(30_000);
console.log(JSON.stringify({ timedOut, meta: result._meta, text: result.content[0].text }));
process.exit(0);
