// The kubelet's own metrics, forwarded: /metrics/cadvisor, /metrics/resource and /metrics of its API.
import * as z from 'zod';
import { Turns } from '../../base/turns.ts';
import { httpUrl } from '../../config/http-url.ts';
import { pattern } from '../../config/units.ts';
import type { Family } from '../../metrics/family.ts';
import { KnownFamilies } from '../../metrics/known-families.ts';
import type { Producer } from '../../metrics/scope.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { blockOfPairs } from '../../metrics/text/format.ts';
import { parseLine, TextFormatError } from '../../metrics/text/parse.ts';
import { JsonClient } from '../../net/json-client.ts';

const SERVICE_ACCOUNT_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** How to scrape the kubelet. */
export const kubeletOptions = z
  .strictObject({
    url: httpUrl('https://127.0.0.1:10250').prefault('https://127.0.0.1:10250').describe('URL of the kubelet.'),
    tokenFile: z
      .string()
      .min(1)
      .default(SERVICE_ACCOUNT_TOKEN)
      .describe('File with the bearer token; the service account needs permission to get nodes/metrics.'),
    caFile: z.string().min(1).optional().describe("CA bundle that verifies the kubelet's certificate."),
    insecureSkipVerify: z
      .boolean()
      .default(false)
      .describe(
        'Skip certificate verification, as many kubelets use self-signed certificates. Allows a man in the middle to read the token.',
      ),
    families: pattern()
      .prefault('^(?:kubelet_|volume_manager_|storage_operation_|rest_client_requests_total$|process_|go_goroutines$)')
      .describe("Which families of the kubelet's `/metrics` to forward."),
  })
  .prefault({});

/** Parsed {@link kubeletOptions}. */
type KubeletOptions = z.output<typeof kubeletOptions>;

/** One page of the kubelet, and its selected families. */
export interface KubeletPage {
  readonly path: string;
  readonly isWanted: (family: string) => boolean;
}

/** Forwards pages of the kubelet. An unavailable page is recorded as a loss; without any page the collection fails. */
export function kubeletProducer(
  group: 'container' | 'kubelet',
  options: KubeletOptions,
  pages: readonly KubeletPage[],
): Producer {
  const client = new JsonClient(options);
  const base = options.url.replace(/\/+$/, '');
  const families = new KnownFamilies();
  return {
    group,
    name: group,
    whenEmpty: 'the kubelet exposes none of the selected families',
    async collect(out, signal) {
      const turns = new Turns(signal);
      const failures: unknown[] = [];
      families.begin();
      for (const { path, isWanted } of pages) {
        try {
          await forward(out, await client.text(base + path, signal), isWanted, families, turns);
        } catch (cause) {
          signal.throwIfAborted();
          failures.push(cause);
        }
      }
      if (failures.length === pages.length) throw failures[0];
      for (const cause of failures) out.lose('a page of the kubelet', cause);
    },
  };
}

/** Lines read between two checks of the clock. */
const LINES_PER_CHECK = 50;

/**
 * Adds the samples of a text without their timestamps, which are those of the kubelet's last update, up to half a
 * minute ago: a batch has one timestamp. Rejects with TextFormatError.
 */
async function forward(
  out: Snapshot,
  text: string,
  isWanted: (family: string) => boolean,
  families: KnownFamilies,
  turns: Turns,
): Promise<void> {
  let family: Family | undefined;
  let help = '';
  let number = 0;
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline;
    const line = text.slice(start, end);
    start = end + 1;
    number++;
    if (number % LINES_PER_CHECK === 0 && turns.isOver) await turns.next();
    // Samples follow the lines that describe their family: those of unwanted ones need not be read.
    if (!line.startsWith('#') && family === undefined) continue;
    const parsed = parseLine(line, number);
    if (parsed?.kind === 'help') help = parsed.help;
    if (parsed?.kind === 'type') {
      family = isWanted(parsed.name) ? families.of({ name: parsed.name, type: parsed.type, help }) : undefined;
      help = '';
    }
    if (parsed?.kind !== 'sample' || family === undefined) continue;
    if (!parsed.name.startsWith(family.name)) throw new TextFormatError(number, `${parsed.name} has no TYPE`);
    out.addSeries(family, parsed.name + blockOfPairs(parsed.labels), parsed.value);
  }
}
