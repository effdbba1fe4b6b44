// Makes all calls of a list side by side, and tells what came of each.
// Standard input: [{name, call: "images.generate", body, options: {maxRetries, timeout, headers}, key, base_url}]
import { Impatient, refusal, tell } from './openai_watched.mjs';

const read = async (stream) => Buffer.concat(await stream.toArray()).toString();

/** Events are told without their pictures. */
async function events(stream) {
  const types = [];
  for await (const event of stream) types.push(event.type);
  return types;
}

async function made(client, { call, body, options }) {
  const [group, method] = call.split('.');
  const given = typeof body === 'string' ? [body] : [withFiles(body)];
  const { data, response } = await client[group][method](...given, options).withResponse();
  const job = response.headers.get('x-triptych-job');
  if (body.stream) return { job, events: await events(data) };
  return { job, pictures: data.data?.length ?? 0, id: data.id ?? null };
}

/** Files come as {name, type, base64}, alone or in a list. */
function withFiles(body) {
  const file = (value) =>
    value?.base64 ? new File([Buffer.from(value.base64, 'base64')], value.name, { type: value.type }) : value;
  const each = ([name, value]) => [name, Array.isArray(value) ? value.map(file) : file(value)];
  return Object.fromEntries(Object.entries(body).map(each));
}

const cases = JSON.parse(await read(process.stdin));
await Promise.all(
  cases.map(async (one) => {
    const client = new Impatient({ apiKey: one.key, baseURL: one.base_url });
    const came = await made(client, one).catch(refusal);
    tell({ name: one.name, ...came, attempts: client.attempts, waits: client.waits });
  }),
);
