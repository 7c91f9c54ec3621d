// The calls that every driver makes, in order, and what it prints of them. Its argument is the plan, as JSON.
const plan = JSON.parse(process.argv[2]);
export const [command, ...args] = plan.command;
export const env = plan.environment;

let progress = "";
export const onprogress = ({ message }) => (progress += message ?? "");

// `call` gives the text of a result and whether it came as an error; what it throws counts as an error with that text.
export async function report(names, call) {
  const make = async (tool, given) => {
    progress = "";
    const [text, isError] = await call(tool, given).catch((error) => [String(error), true]);
    return { text, isError, progress };
  };
  const seen = { lists: [...names].sort() };
  for (const [step, given] of Object.entries(plan.calls)) seen[step] = await make(plan.tool, given);
  // What a model does with a pending result: it calls what it says.
  let fetched = seen["hand-off"];
  while (fetched.text.includes('"chat.completion.pending"')) {
    const { next } = JSON.parse(fetched.text);
    fetched = await make(next.tool, next.arguments);
  }
  console.log(JSON.stringify({ ...seen, fetched }));
  process.exit(0);
}
