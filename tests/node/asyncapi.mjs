// Reads an AsyncAPI document from standard input with the real parser, and tells as JSON what it found in it.
import { readFileSync } from 'node:fs';
import { Parser } from '@asyncapi/parser';

const { document, diagnostics } = await new Parser().parse(readFileSync(0, 'utf8'));
const told = diagnostics.map((each) => ({
  severity: ['error', 'warning', 'information', 'hint'][each.severity],
  code: each.code,
  place: each.path.join('/'),
  message: each.message,
}));
const channels = document?.channels().all() ?? [];
const found = {
  diagnostics: told,
  version: document?.version(),
  channels: Object.fromEntries(
    channels.map((channel) => [channel.address(), channel.messages().all().map((message) => message.id()).sort()]),
  ),
  operations: Object.fromEntries((document?.operations().all() ?? []).map((each) => [each.id(), each.action()])),
};
process.stdout.write(JSON.stringify(found));
