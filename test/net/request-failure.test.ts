import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { unreachable } from '../../src/kube/chunks.ts';
import { openResponse } from '../../src/kube/http-exchange.ts';
import { JsonClient } from '../../src/net/json-client.ts';
import { Names } from '../../src/net/names.ts';
import { requestFailure } from '../../src/net/request-failure.ts';
import { PageClient } from '../../src/scrape/fetch.ts';
import { getText } from '../../src/tasks/sources/get-text.ts';
import { freePort } from '../kit/free-port.ts';
import { scratchFolder } from '../kit/host-tree.ts';

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
  'of a text': (url, names) => getText(url, { names, headers: {}, maxBytes: 1000, signal }),
  'to the API server': (url, { lookup }) => {
    const http = new Agent({ lookup });
    const agent = { http, https: http as never };
    return openResponse({
      ...{ method: 'GET', target: new URL(url), headers: {}, body: undefined, agent, headersMs: 10_000, signal },
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

test('a code that the message lacks precedes it', () => {
  const cause = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
  assert.equal(requestFailure('http://a/b?c', cause).message, 'http://a/b: ECONNRESET: socket hang up');
  assert.equal(requestFailure('http://a', new Error('broken')).message, 'http://a: broken');
});
