// What a program does with films of the npm package `openai`: made, looked at, fetched, listed and deleted.
// Argument: a PNG that a film begins with. Environment: OPENAI_BASE_URL, OPENAI_API_KEY.
import fs from 'node:fs';
import OpenAI from 'openai';
import { refusal, tell } from './openai_watched.mjs';

const client = new OpenAI();
const [, , path] = process.argv;
const LOOK_MS = 50;

async function ended({ id }) {
  for (;;) {
    const video = await client.videos.retrieve(id);
    if (video.status === 'completed' || video.status === 'failed') return video;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

async function content(id) {
  const answer = await client.videos.downloadContent(id);
  const base64 = Buffer.from(await answer.arrayBuffer()).toString('base64');
  return { type: answer.headers.get('content-type'), base64 };
}

async function made(asked) {
  const video = await ended(await client.videos.create(asked));
  tell({ step: 'made', asked: asked.prompt, video, content: await content(video.id) });
  return video.id;
}

const first = await made({ prompt: 'waves', model: 'sora-2', seconds: '4' });
const second = await made({ prompt: 'a fox', size: '1280x720', input_reference: fs.createReadStream(path) });
const blocked = await client.videos.create({ prompt: '[[GROK_VIDEO_MODERATION_BLOCKED]]', model: 'sora-2' });
tell({ step: 'failed', video: await ended(blocked), content: await content(blocked.id).catch(refusal) });

const listed = [];
for await (const video of client.videos.list({ limit: 1, order: 'asc' })) listed.push(video.id);
tell({ step: 'listed', listed, made: [first, second, blocked.id] });

tell({ step: 'deleted', answer: await client.videos.delete(first), after: await ended({ id: first }).catch(refusal) });
