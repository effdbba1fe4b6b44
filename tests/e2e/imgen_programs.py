"""The two minimal clients of imgen's document, to the letter (seed 003): only the address is replaced."""

import os
import subprocess
import sys
from pathlib import Path

ADDRESS = "https://imgen.api.efficientstack.com/api/v2"

JAVASCRIPT = r"""
const API = 'https://imgen.api.efficientstack.com/api/v2';
const TOKEN = process.env.IMGEN_API_KEY;

async function api(body) {
  const r = await fetch(API, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Authorization': `Bearer ${TOKEN}` },
    body: JSON.stringify(body),
  });
  return r.json();
}

async function generate(prompt, opts = {}) {
  const job = await api({
    action: 'generate',
    prompt,
    model: opts.model || 'eros',
    style: opts.style || '',
    use_cache: !!opts.use_cache,
    compliance_ruleset: opts.compliance_ruleset || '',
    precompliance: opts.precompliance || '',
  });
  if (job.error) throw new Error(job.error);

  for (let i = 0; i < 120; i++) {
    await new Promise(r => setTimeout(r, 3000));
    const s = await api({ action: 'status', id: job.id, prompt: job.prompt, model: job.model });
    if (s.status === 'IN_QUEUE' || s.status === 'IN_PROGRESS') continue;
    if (s.status === 'COMPLETED') {
      if (s.compliance === 'unsafe') {
        const blockedUrl = s.unsafe_url ? atob(s.unsafe_url) : null;
        const err = new Error(s.error);
        err.unsafeUrl = blockedUrl;
        err.categories = s.filter_categories || [];
        throw err;
      }
      return { meta: s.meta, fromCache: !!s.cache };
    }
    throw new Error(s.error || 'Failed: ' + s.status);
  }
  throw new Error('Polling timed out');
}

// Example with pre-compliance forwarded from an upstream Ban Word Service:
const { meta, fromCache } = await generate('@aya black lingerie, warm lighting', {
  style: 'professional',
  use_cache: true,
  precompliance: 'ban-word-service: no banned tokens matched (v3.2)',
});
const signed = meta.images.find(i => i.type === 'signed');
console.log(signed.url, fromCache ? '(cache)' : '(generated)');
"""

PYTHON = r"""
import os, time, base64, requests

API = "https://imgen.api.efficientstack.com/api/v2"
TOKEN = os.environ["IMGEN_API_KEY"]
HEADERS = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}

def call(body):
    return requests.post(API, json=body, headers=HEADERS, timeout=30).json()

def generate(prompt, *, model="eros", style="", use_cache=False, ruleset="", precompliance=""):
    job = call({
        "action": "generate", "prompt": prompt, "model": model, "style": style,
        "use_cache": use_cache, "compliance_ruleset": ruleset, "precompliance": precompliance,
    })
    if "error" in job:
        raise RuntimeError(job["error"])

    for _ in range(120):
        time.sleep(3)
        s = call({"action": "status", "id": job["id"], "prompt": job["prompt"], "model": job["model"]})
        if s["status"] in ("IN_QUEUE", "IN_PROGRESS"):
            continue
        if s["status"] == "COMPLETED":
            if s.get("compliance") == "unsafe":
                blocked = base64.b64decode(s["unsafe_url"]).decode() if s.get("unsafe_url") else None
                raise RuntimeError(f"{s.get('error')} (blocked_url={blocked})")
            return s["meta"], bool(s.get("cache"))
        raise RuntimeError(s.get("error", f"Failed: {s['status']}"))
    raise TimeoutError("Polling timed out")

meta, from_cache = generate(
    "@aya black lingerie, warm lighting",
    style="professional",
    use_cache=True,
    precompliance="ban-word-service: no banned tokens matched (v3.2)",
)
signed = next(i for i in meta["images"] if i["type"] == "signed")
print(signed["url"], "(cache)" if from_cache else "(generated)")
"""


class Program:
    """One of them as a process of its own."""

    def __init__(self, language: str, folder: Path, address: str, key: str, *, prompt: str | None = None) -> None:
        """Write it down with the address and the key of a gateway, and start it; with a prompt, it asks for that."""
        text, name, runner = {
            "javascript": (JAVASCRIPT, "client.mjs", ["node"]),
            "python": (PYTHON, "client.py", [sys.executable]),
        }[language]
        assert text.count(ADDRESS) == 1
        text = text.replace(ADDRESS, address)
        if prompt is not None:
            text = text.replace("@aya black lingerie, warm lighting", prompt)
            text = text.replace("style: 'professional',", "").replace('style="professional",', "")
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        path.write_text(text)
        env = {**os.environ, "IMGEN_API_KEY": key, "NO_PROXY": "127.0.0.1"}
        self._child = subprocess.Popen(
            [*runner, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
        )

    def ended(self, timeout_s: float = 90) -> tuple[int, str, str]:
        """Return its exit code, what it printed and what it complained about."""
        out, err = self._child.communicate(timeout=timeout_s)
        return self._child.returncode, out.strip(), err
