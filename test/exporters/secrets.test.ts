import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CollectedSamples } from '../../src/exporters/exporter.ts';
import { gauge } from '../../src/metrics/family.ts';
import { Snapshot } from '../../src/metrics/snapshot.ts';
import { batchAt, EXPORTER_TYPES, exporterTo, requiredSettings, until } from '../kit/exporter.ts';
import { scratchFolder } from '../kit/host-tree.ts';
import { entriesOf, shipAll } from '../kit/log-entries.ts';

const SECRET = 'a-secret-of-the-receiver';
const BASIC = Buffer.from(`me:${SECRET}`).toString('base64');

function samples(): CollectedSamples {
  const out = new Snapshot();
  out.add(gauge('one', 'One.'), 1);
  out.close();
  return { group: 'node', stampMs: Date.now(), snapshots: [out], prepared: [], births: [] };
}

for (const type of EXPORTER_TYPES) {
  for (const kind of ['bearerTokenFile', 'passwordFile', 'header X-API-Key', 'file of Authorization'] as const) {
    test(`${type}: a ${kind} that the receiver repeats is in no log and no status`, async (context) => {
      const seen: string[] = [];
      const server = createServer((request, response) => {
        const given = String(request.headers.authorization ?? request.headers['x-api-key']);
        seen.push(given);
        request.resume();
        const body = `unknown credentials ${given} ${'x'.repeat(230)} ${SECRET} of /path?token=${SECRET}`;
        request.once('end', () => response.writeHead(seen.length === 1 ? 500 : 401, { 'x-said': given }).end(body));
      });
      context.after(() => server.close().closeAllConnections());
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const file = join(scratchFolder(context), 'secret');
      writeFileSync(file, `${kind === 'file of Authorization' ? 'Token ' : ''}${SECRET}\n`);
      const settings = {
        passwordFile: { auth: { username: 'me', passwordFile: file } },
        bearerTokenFile: { auth: { bearerTokenFile: file } },
        'header X-API-Key': { headers: { 'X-API-Key': SECRET } },
        'file of Authorization': { headerFiles: { Authorization: file } },
      }[kind];
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const own = { ...requiredSettings(type, url), ...settings };
      const { exporter, lines } = await exporterTo(own.url, own, type);
      const stop = new AbortController();
      exporter.start();
      const shipped = exporter.entries && shipAll(exporter.entries, entriesOf(3), stop.signal);
      exporter.deliverSamples?.(samples());
      if (exporter.deliverSamples === undefined) exporter.deliver(await batchAt(Date.now()));
      await until(() => seen.some((given) => given !== 'undefined') && lines.some((line) => line.includes('***')));
      const status = JSON.stringify(exporter.status());
      stop.abort();
      await exporter.close(1000);
      await shipped;
      assert.ok(seen.some((given) => given.includes(kind === 'passwordFile' ? BASIC : SECRET)));
      for (const text of [...lines, status]) assert.ok(!text.includes(SECRET) && !text.includes(BASIC), text);
    });
  }
}
