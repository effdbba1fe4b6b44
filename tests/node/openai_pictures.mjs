// What a program does with the npm package `openai`: pictures, edits, streams and models. One line for each step.
// Argument: a PNG to edit. Environment: OPENAI_BASE_URL, OPENAI_API_KEY.
import fs from 'node:fs';
import OpenAI, { toFile } from 'openai';
import { tell } from './openai_watched.mjs';

const client = new OpenAI();
const FOX = { prompt: 'a red fox', model: 'gpt-image-1', size: '256x256' };
const [, , path] = process.argv;
const png = async (name = 'fox.png') => toFile(fs.createReadStream(path), name, { type: 'image/png' });

async function generate() {
  const asked = { ...FOX, size: '768x512', quality: 'high', output_format: 'webp', n: 2 };
  const { data: made, response, request_id } = await client.images.generate(asked).withResponse();
  tell({ step: 'generate', made, request_id, job: response.headers.get('x-triptych-job') });
}

async function urls() {
  const made = await client.images.generate({ ...FOX, response_format: 'url' });
  tell({ step: 'urls', made, request_id: made._request_id });
}

async function edit() {
  const image = [await png('one.png'), await png('two.png'), fs.createReadStream(path)];
  const several = { model: 'grok/grok-imagine-image', prompt: 'all together', image };
  tell({ step: 'several', made: await client.images.edit(several) });
  const masked = { ...FOX, prompt: 'a hat', image: await png(), mask: await png('mask.png') };
  tell({ step: 'masked', made: await client.images.edit(masked) });
  const varied = { model: 'studio/qwen-image', image: await png(), n: 2, size: '256x256' };
  tell({ step: 'varied', made: await client.images.createVariation(varied) });
}

async function streams() {
  const drawn = { ...FOX, prompt: 'a red fox [[partials:3]]', stream: true, partial_images: 2 };
  const edited = { ...FOX, prompt: 'a hat', image: await png(), stream: true };
  for await (const event of await client.images.generate(drawn)) tell({ step: 'drawn', event });
  for await (const event of await client.images.edit(edited)) tell({ step: 'edited', event });
  try {
    const refused = { ...drawn, prompt: '[[SAFETY_REFUSAL]] a fox' };
    for await (const event of await client.images.generate(refused)) tell({ step: 'refused', event });
  } catch (error) {
    tell({ step: 'refused', error: error.constructor.name, code: error.code, type: error.type });
  }
}

async function models() {
  const ids = [];
  for await (const model of client.models.list()) ids.push(model.id);
  const each = await Promise.all(ids.map((id) => client.models.retrieve(id)));
  tell({ step: 'models', ids, same: each.map((model) => model.id), owners: each.map((model) => model.owned_by) });
}

await Promise.all([generate(), urls(), edit(), streams(), models()]);
