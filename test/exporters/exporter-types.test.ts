import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import * as z from 'zod';
import { configurationReference } from '../../scripts/configuration-reference.ts';
import { loadSettings } from '../../src/commands/settings.ts';
import { ConfigError } from '../../src/config/config-error.ts';
import { configSchema } from '../../src/config/schema.ts';
import { ADDRESS_RESPONSES, ruleFor } from '../../src/exporters/http/responses.ts';
import { exporterSection, exporterTypeOf } from '../../src/exporters/index.ts';
import { contextOf, requiredSettings, EXPORTER_TYPES as TYPES } from '../kit/exporter.ts';

/** Problems of an exporter `it` with these settings. */
function problemsOf(settings: object): readonly string[] {
  try {
    loadSettings({ set: [`exporters.it=${JSON.stringify(settings)}`] }, {});
    return [];
  } catch (cause) {
    if (cause instanceof ConfigError)
      return cause.problems.map((line) => line.replace('flag --set exporters.it: ', ''));
    throw cause;
  }
}

const url = 'http://r:1/push';

test('an unknown type is refused with the known ones and the nearest', () => {
  assert.deepEqual(problemsOf({ type: 'vmagnet', url }), [
    `exporters.it.type: expected one of ${TYPES.join(', ')}; did you mean vmagent?`,
  ]);
  assert.deepEqual(problemsOf({ url }), [`exporters.it.type: is required: ${TYPES.join(', ')}`]);
  assert.deepEqual(problemsOf({ type: 7, url }), [`exporters.it.type: expected one of ${TYPES.join(', ')}`]);
});

test('an unknown key is refused with the nearest one of its type, also in nested settings', () => {
  for (const type of TYPES) {
    const required = requiredSettings(type, url);
    assert.deepEqual(problemsOf({ ...required, fialover: [] }), [
      'exporters.it.fialover: unknown key; did you mean failover?',
    ]);
    assert.deepEqual(problemsOf({ ...required, tls: { caFil: 'x' } }), [
      'exporters.it.tls.caFil: unknown key; did you mean caFile?',
    ]);
  }
});

test('each type recognizes responses that concern its address or its credentials', async (context) => {
  let code = 0;
  const server = createServer((request, response) => {
    request.resume().once('end', () => response.writeHead(code).end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close().closeAllConnections());
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const world = { env: {}, now: Date.now, signal: AbortSignal.timeout(60_000) };
  for (const type of TYPES) {
    const settings = exporterSection.parse(requiredSettings(type, base));
    for (code of [307, 401, 403, 404, 407, 410]) {
      const { hint = '' } = ruleFor(ADDRESS_RESPONSES, { code, text: '' });
      const [result] = (await exporterTypeOf(settings).check?.(settings, contextOf().around.targets.node, world)) ?? [];
      const said = result?.text ?? '';
      assert.ok(
        said.includes(hint),
        `${type}: the table lacks ADDRESS_RESPONSES, or its own row for ${code} has no \`text\`: ${said}`,
      );
    }
  }
});

test('settings from before each type had its own are still accepted', () => {
  const common = {
    ...{ url, enabled: true, groups: ['node'], failover: ['http://s:2'], timeout: '5s', retries: 2 },
    ...{ auth: { bearerTokenFile: '/t' }, tls: { insecureSkipVerify: true }, headers: { 'x-scope-orgid': 'a' } },
    ...{ queue: { cycles: 2, bytes: '1MiB' }, spool: { enabled: false }, drain: { bytesPerSecond: '1MiB', share: 1 } },
    ...{
      staleMarkers: false,
      compression: 'gzip',
      janitor: { enabled: false, grace: '1h', every: '1m', onStop: true },
    },
  };
  assert.deepEqual(problemsOf({ type: 'vmagent', ...common }), []);
  assert.deepEqual(problemsOf({ type: 'vmagent', ...common, staleMarkers: true, compression: 'zstd' }), []);
  assert.deepEqual(problemsOf({ type: 'pushgateway', ...common }), []);
  assert.deepEqual(problemsOf({ type: 'pushgateway', ...common, compression: 'none' }), []);
});

test('settings that a type does not have are refused with a reason', () => {
  assert.deepEqual(problemsOf({ type: 'vmagent', url, compression: 'none' }), [
    'exporters.it.compression: vmagent supports gzip and zstd; none is for a Pushgateway',
  ]);
  assert.deepEqual(problemsOf({ type: 'pushgateway', url, compression: 'zstd', staleMarkers: true }), [
    'exporters.it.compression: a Pushgateway supports gzip only',
    'exporters.it.staleMarkers: a Pushgateway has no stale markers: the next push replaces the whole group',
  ]);
});

test('the capabilities of a receiver follow from its settings', () => {
  const traitsOf = (settings: object) => {
    const parsed = exporterSection.parse({ url, ...settings });
    return exporterTypeOf(parsed).traits(parsed);
  };
  assert.deepEqual(traitsOf({ type: 'vmagent' }), {
    acceptsZstd: true,
    endsSeries: true,
    limitsLabels: true,
  });
  const { acceptsZstd, endsSeries } = traitsOf({ type: 'vmagent', compression: 'gzip', staleMarkers: false });
  assert.deepEqual({ acceptsZstd, endsSeries }, { acceptsZstd: false, endsSeries: false });
  assert.equal(traitsOf({ type: 'pushgateway' }).endsSeries, false);
});

test('the configuration page has every setting of every type, and names the types if not all have it', () => {
  const page = configurationReference(
    z.toJSONSchema(configSchema({ collectors: z.strictObject({}).prefault({}), exporter: exporterSection }), {
      io: 'input',
    }),
  );
  for (const { shape } of exporterSection.options) {
    for (const key of Object.keys(shape)) assert.match(page, new RegExp(`\\| \`exporters\\.NAME\\.${key}[\`.]`), key);
  }
  assert.match(page, /`exporters\.NAME\.timeout` \| {2}\| \*[^*]*pushgateway[^*]*:\* /);
  assert.match(page, /`exporters\.NAME\.drain` \| {2}\| \*vmagent[^*]*:\* How fast /);
  assert.match(page, /`exporters\.NAME\.janitor\.grace` \| `"30m"` \| \*vmagent:\* Has no effect: /);
  assert.match(page, /`exporters\.NAME\.spool\.enabled` \| `true` \| \*pushgateway[^*]*:\* Has no effect: /);
  assert.match(page, /`exporters\.NAME\.enabled` \| `true` \| Whether this exporter is used\. \|/);
});

test('a union of sections without a discriminator is an error of the generator, not a gap in the page', () => {
  const union = z.union([z.strictObject({ one: z.string() }), z.strictObject({ other: z.string() })]);
  const schema = z.toJSONSchema(z.strictObject({ section: z.strictObject({ union }) }));
  assert.throws(() => configurationReference(schema), /union of sections/);
});
