// A client of the npm package `openai` that notes what it sends, what comes back, and how long it would wait.
// Where the gateway is and whose key it is the package reads from OPENAI_BASE_URL and OPENAI_API_KEY.
import OpenAI from 'openai';

/** Print one thing that happened, as a line of JSON. */
export const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

/** The client, as it is, but that its waits take no time. */
export class Impatient extends OpenAI {
  attempts = [];
  waits = [];

  constructor(options = {}) {
    super({ ...options, fetch: (url, init) => this.#watched(url, init) });
  }

  async #watched(url, init) {
    const attempt = { path: new URL(url).pathname, retry: new Headers(init.headers).get('x-stainless-retry-count') };
    this.attempts.push(attempt);
    const response = await fetch(url, init);
    attempt.status = response.status;
    attempt.should_retry = response.headers.get('x-should-retry');
    attempt.retry_after = response.headers.get('retry-after');
    attempt.job = response.headers.get('x-triptych-job');
    return response;
  }

  // How long it waits it has worked out before it first lets go of the thread.
  retryRequest(...given) {
    const later = globalThis.setTimeout;
    globalThis.setTimeout = (act, ms) => {
      this.waits.push(ms / 1000);
      return later(act, 1);
    };
    try {
      return super.retryRequest(...given);
    } finally {
      globalThis.setTimeout = later;
    }
  }
}

/** Say what went wrong, in the package's words. */
export function refusal(error) {
  const { status, code, param, type, requestID, message } = error;
  const is_api_error = error instanceof OpenAI.APIError;
  return { error: error.constructor.name, is_api_error, status, code, param, type, request_id: requestID, message };
}
