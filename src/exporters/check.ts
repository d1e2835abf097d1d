import got from 'got';
import type { Target } from '../config/identity.ts';
import type { Protocol } from './delivery/protocol.ts';
import type { DeliverySettings } from './delivery/settings.ts';
import type { CheckResult, CheckWorld } from './exporter-type.ts';
import { HttpAgents } from './http/agents.ts';
import { CHECK_MS, checkAddresses, rejectionText } from './http/check-addresses.ts';
import { Credentials } from './http/credentials.ts';
import { linesOf } from './http/lines-of.ts';
import { isMark, type Product, productOf } from './http/product.ts';
import { ruleFor } from './http/responses.ts';
import type { Sender } from './http/sender.ts';
import { NEVER_STORED_MS } from './http/zstd-support.ts';

/** A Pushgateway's own line comes after those of all groups. Beyond this limit, the version stays unknown. */
const MAX_BYTES = 32 * 1024 * 1024;

/**
 * Checks whether all addresses of an exporter accept its pushes, with a request that stores nothing, and identifies
 * them by their own metrics. Never rejects.
 */
export async function checkReceivers(
  protocol: Protocol,
  settings: DeliverySettings,
  target: Target,
  world: CheckWorld,
): Promise<CheckResult[]> {
  const { signal } = world;
  const agents = new HttpAgents(settings.tls, world.env);
  try {
    return await checkAddresses(settings, world, async (url, sender) => {
      const [accepted, product] = await Promise.all([
        tryPush(protocol, settings, target, url, sender, signal),
        identify(settings, url, agents, signal),
      ]);
      const isSilent = accepted.isUnanswered && product === undefined;
      const text = isSilent ? accepted.text : [accepted.text, describe(product, settings.type)].join('; ');
      return { url, acceptsPushes: accepted.isAccepted, text };
    });
  } finally {
    agents.close();
  }
}

async function tryPush(
  { probe, responses, contentType, url: urlOf, hasPlainUrls = false }: Protocol,
  { groups }: DeliverySettings,
  target: Target,
  url: string,
  sender: Sender,
  signal: AbortSignal,
): Promise<{ isAccepted: boolean; isUnanswered: boolean; text: string }> {
  const ask = (isPlain: boolean) => {
    const { method, members } = probe;
    const at = urlOf(url, target, NEVER_STORED_MS, isPlain);
    const upload = { method, url: at, members, compression: 'gzip', timeoutMs: CHECK_MS } as const;
    return sender.send({ ...upload, ...(contentType !== undefined && { contentType }) }, signal);
  };
  const first = await ask(false);
  const isOld = hasPlainUrls && ruleFor(responses, first).reason === 'path';
  const attempt = isOld ? await ask(true) : first;
  const ms = Math.round(attempt.durationSeconds * 1000);
  const through = attempt.proxy === undefined ? '' : ` through the proxy ${attempt.proxy}`;
  const isExpected = probe.text?.test(attempt.text) ?? true;
  const isAccepted = probe.accepted.some((code) => code === attempt.code) && isExpected && !attempt.isPage;
  if (isAccepted)
    return {
      isAccepted,
      isUnanswered: false,
      text: `accepts pushes (${groups.join(', ')})${through}, responded in ${ms} ms`,
    };
  const text = rejectionText(`pushes${through}`, attempt, ruleFor(responses, attempt).hint);
  return { isAccepted, isUnanswered: attempt.code === 'error', text };
}

/** By the metrics page below the address, or that of the server, if readable. */
async function identify(
  settings: DeliverySettings,
  url: string,
  agents: HttpAgents,
  signal: AbortSignal,
): Promise<Product | undefined> {
  for (const page of new Set([`${url}/metrics`, `${new URL(url).origin}/metrics`])) {
    try {
      const stream = got.stream(page, {
        headers: { ...settings.headers, ...new Credentials(settings).headers, 'user-agent': 'firesteel' },
        agent: agents.kept(page),
        followRedirect: false,
        retry: { limit: 0 },
        signal: AbortSignal.any([signal, AbortSignal.timeout(CHECK_MS)]),
      });
      const marks: string[] = [];
      let bytes = 0;
      for await (const line of linesOf(stream)) {
        bytes += line.length;
        if (isMark(line)) marks.push(line);
        if (bytes > MAX_BYTES) break;
      }
      const product = productOf(marks);
      if (product) return product;
    } catch {
      // Not every receiver exposes its metrics to everyone. Whether it accepts pushes was checked separately.
    }
  }
  return undefined;
}

function describe(product: Product | undefined, type: string): string {
  if (!product) return 'its product could not be identified from its /metrics';
  const advice =
    product.acceptsAll || product.type === type
      ? ''
      : product.type === undefined
        ? ', which does not accept pushes of this kind'
        : `: set type: ${product.type}`;
  return `it is ${product.name} ${product.version ?? '(version not shown)'}${advice}`;
}
