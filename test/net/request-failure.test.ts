import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import got, { RequestError } from 'got';
import { errorText } from '../../src/base/error-text.ts';
import { createLog } from '../../src/base/log.ts';
import { unreachable } from '../../src/kube/chunks.ts';
import { openResponse } from '../../src/kube/http-exchange.ts';
import { JsonClient } from '../../src/net/json-client.ts';
import { Names } from '../../src/net/names.ts';
import { requestFailure } from '../../src/net/request-failure.ts';
import { tunnelAgent } from '../../src/net/tunnel.ts';
import { PageClient } from '../../src/scrape/fetch.ts';
import { getText } from '../../src/tasks/sources/get-text.ts';
import { freePort } from '../kit/free-port.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { rawServer } from '../kit/raw-server.ts';

const { signal } = new AbortController();

/** Requests to a name with two addresses, both of which refuse connections. */
const CLIENTS: Readonly<Record<string, (url: string, names: Names) => Promise<unknown>>> = {
  'of JSON': (url, names) => new JsonClient({ insecureSkipVerify: false }, names).get(url, signal),
  'of a page': (url, names) =>
    new PageClient(
      {
        ...{ intervalMs: 1000, timeoutMs: 1000, honorLabels: false, honorTimestamps: false },
        ...{ auth: undefined, tls: undefined, metricRelabel: [] },
      },
      names,
      1000,
    ).open(url, signal),
  'of a text': (url, names) => getText(url, { names, headers: {}, maxBytes: 1000, timeoutMs: 10_000, signal }),
  'to the API server': (url, { lookup }) => {
    const http = new Agent({ lookup });
    const agents = { http, https: http as never };
    return openResponse({
      ...{ method: 'GET', url: new URL(url), headers: {}, body: undefined, agents, headersMs: 10_000, signal },
    }).catch((cause: unknown) => {
      throw unreachable(url.replace(/\?.*/, ''), cause);
    });
  },
};

function twoAddresses(t: TestContext): Names {
  const hostsFile = join(scratchFolder(t), 'hosts');
  writeFileSync(hostsFile, '127.0.0.1 two.example\n127.0.0.2 two.example\n');
  const names = new Names({ hostsFile });
  t.after(() => names.close());
  return names;
}

for (const [what, request] of Object.entries(CLIENTS)) {
  test(`a request ${what} that all addresses of a name refuse fails with the cause, once`, async (t) => {
    const port = await freePort();
    await assert.rejects(request(`http://two.example:${port}/x?token=secret`, twoAddresses(t)), {
      message: `http://two.example:${port}/x: connect ECONNREFUSED 127.0.0.1:${port}`,
    });
  });
}

for (const [what, request] of Object.entries(CLIENTS)) {
  test(`a request ${what} ends when the server switches to another protocol, which Node reports as no error`, {
    timeout: 20_000,
  }, async (t) => {
    const url = await rawServer(t, (socket) =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n'),
    );
    const names = new Names();
    t.after(() => names.close());
    await assert.rejects(request(`${url}/x?token=secret`, names), {
      message: `${url}/x: the connection was closed without a usable response`,
    });
  });
}

test('got’s error without a message, and that of a proxy, have the cause when all addresses refuse', async (t) => {
  const { lookup } = twoAddresses(t);
  const port = await freePort();
  const refused = `connect ECONNREFUSED 127.0.0.1:${port}`;
  const failed = await got(`http://two.example:${port}`, {
    agent: { http: new Agent({ lookup }) },
    retry: { limit: 0 },
  }).catch((cause: unknown) => cause);
  assert.ok(failed instanceof RequestError && failed.message === '');
  assert.equal(errorText(failed), refused);
  const lines: string[] = [];
  createLog('error', { write: (line) => lines.push(line) }).error({ err: failed }, 'failed');
  assert.equal(JSON.parse(lines[0] ?? '').err.message, refused);
  const proxy = { url: new URL(`http://two.example:${port}`), shown: 'two.example', variable: 'HTTPS_PROXY' };
  const agent = { https: tunnelAgent(proxy, lookup, {}) };
  await assert.rejects(got('https://other.example', { agent, retry: { limit: 0 } }), {
    message: `the proxy two.example cannot be reached: ECONNREFUSED ${refused}`,
  });
});

test('a code that the message lacks precedes it', () => {
  const cause = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
  assert.equal(requestFailure('http://a/b?c', cause).message, 'http://a/b: ECONNRESET: socket hang up');
  assert.equal(requestFailure('http://a', new Error('broken')).message, 'http://a: broken');
});
