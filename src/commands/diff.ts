import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { sleep, wallMs } from '../base/clock.ts';
import { errorText } from '../base/error-text.ts';
import { differencesOf, MAX_COMPARISONS, type MetricsSource } from '../diff/differences.ts';
import { REPLACED, type Replaced } from '../diff/known.ts';
import { nameOf, type Reading, readingOf } from '../diff/reading.ts';
import { isSame, reportJson, reportText } from '../diff/report.ts';
import { TextFormatError } from '../metrics/text/parse.ts';
import { JsonClient } from '../net/json-client.ts';
import { type Collection, openCollection } from './collection.ts';
import { type Command, type Io, UsageError } from './command.ts';
import { CONFIG_FLAGS, CONFIG_FLAGS_HELP, type Parsed, parseFlags } from './flags.ts';
import { offByDefaultOf } from './off-by-default.ts';
import { loadSettings } from './settings.ts';

const SHORT_LIST = 20;
const LONGEST_PAUSE_S = 600;

/** `firesteel diff`. */
export const diff: Command = {
  help: `usage: firesteel diff --against URL [flags]

Compares what Firesteel collects here with what node_exporter, kube-state-metrics, cAdvisor or process-exporter exposes at
URL: metrics and series that only one has, and values that differ by more than they change between two readings. In each of two
rounds, Firesteel collects between two readings of URL; this is repeated up to ${MAX_COMPARISONS - 1} times while they differ: only what differs
every time counts. Values of cAdvisor are older than the reading: each is compared with those that Firesteel collected before
and after its timestamp, until all have a new one. The exit code is 1 when a difference has no known reason, otherwise 0.

  --against URL            the exporter's metrics, e.g. http://localhost:9100/metrics; a file is read once
  --ours URL               metrics of a running agent, instead of collecting here: includes the names of pods
  --seconds N              pause between the two rounds (5)
  --details                list the differences, up to ${SHORT_LIST} of a kind
  --all                    list all of them
  --explained              also list the expected differences, by their reasons
  --format json            print one line of JSON: program, same, compared, differences, explained
  --token-file FILE        bearer token for URL, as a kubelet requires it
  --ca-file FILE           certificate authorities that sign URL's certificate
  --insecure               do not check URL's certificate
${CONFIG_FLAGS_HELP}`,
  async run(args, io) {
    const { values } = parseFlags(args, {
      ...CONFIG_FLAGS,
      against: { type: 'string' },
      ours: { type: 'string' },
      seconds: { type: 'string', default: '5' },
      details: { type: 'boolean' },
      all: { type: 'boolean' },
      format: { type: 'string', default: 'text' },
      explained: { type: 'boolean' },
      'token-file': { type: 'string' },
      'ca-file': { type: 'string' },
      insecure: { type: 'boolean' },
    });
    const seconds = Number(values.seconds);
    if (!(seconds >= 0 && seconds <= LONGEST_PAUSE_S)) throw new UsageError(`--seconds: 0 to ${LONGEST_PAUSE_S}`);
    if (values.format !== 'text' && values.format !== 'json') throw new UsageError('--format: text or json');
    const theirs = theirSource(values, io);
    try {
      const replaced = programOf(await theirs.read());
      const ours = await ourSource(values, replaced, io);
      try {
        io.stderr(`comparing with ${replaced.program}, rounds ${seconds} s apart\n`);
        const judged = await differencesOf({
          replaced,
          theirs,
          ours,
          off: await offByDefaultOf(replaced),
          now: wallMs,
          pause: async () => {
            await sleep(seconds * 1000, io.stop);
            io.stop?.throwIfAborted();
          },
          progress: (line) => io.stderr(`${line}\n`),
        });
        if (judged.differences.compared === 0) {
          throw new UsageError(
            `--against: no series could be compared; do both sides describe the same host, with the same clock? ${judged.explained[0]?.reason ?? ''}`.trim(),
          );
        }
        const few = values.details === true ? SHORT_LIST : 0;
        const lines = values.all === true ? Number.POSITIVE_INFINITY : few;
        io.stdout(
          values.format === 'json'
            ? reportJson(judged, replaced)
            : reportText(judged, { replaced, lines, explained: values.explained === true }),
        );
        return isSame(judged) ? 0 : 1;
      } finally {
        await ours.close();
      }
    } finally {
      await theirs.close();
    }
  },
};

/** A page of metrics. Rejects with UsageError, so that the reason is printed as one line. */
function page(url: string, client: JsonClient, flag: string, stop: AbortSignal): MetricsSource {
  return {
    async read() {
      try {
        return readingOf(await client.text(url, stop));
      } catch (cause) {
        const what = cause instanceof TextFormatError ? `${url}: not the text format of Prometheus: ` : '';
        throw new UsageError(`${flag}: ${what}${errorText(cause)}`);
      }
    },
    close: () => client.close(),
  };
}

function theirSource(values: Parsed['values'], io: Io): MetricsSource {
  const { against } = values;
  if (typeof against !== 'string') throw new UsageError('--against URL is missing');
  const file = (name: 'token-file' | 'ca-file') => (typeof values[name] === 'string' ? values[name] : undefined);
  if (/^https?:\/\//.test(against)) {
    const options = {
      tokenFile: file('token-file'),
      caFile: file('ca-file'),
      insecureSkipVerify: values.insecure === true,
    };
    return page(against, new JsonClient(options), '--against', io.stop);
  }
  return {
    async read() {
      try {
        return readingOf(readFileSync(against, 'utf8'));
      } catch (cause) {
        throw new UsageError(`--against: ${against} is neither a URL nor a file with metrics: ${errorText(cause)}`);
      }
    },
    close: () => undefined,
  };
}

/** The page of a running agent, or our own collectors: only those of the compared section. */
async function ourSource(values: Parsed['values'], { section }: Replaced, io: Io): Promise<MetricsSource> {
  if (typeof values.ours === 'string') {
    return page(values.ours, new JsonClient({ insecureSkipVerify: false }), '--ours', io.stop);
  }
  const sections = ['node', 'container', 'process', 'ksm'] as const;
  const set = sections.map((each) => `collectors.${each}.enabled=${each === section}`);
  // Both sides are read within the same seconds.
  const sameSeconds = 'collectors.process.slowInterval=0s';
  const { config } = loadSettings({ ...values, set: [sameSeconds, ...(values.set ?? []), ...set] }, io.env);
  const collection: Collection = await openCollection(config, io);
  return {
    async read() {
      const gathered = await collection.gather();
      return readingOf(await text(collection.text(gathered)));
    },
    close: () => collection.close(),
  };
}

/** The program that exposes this, by the majority of its metrics. */
function programOf(reading: Reading): Replaced {
  const names = [...reading.samples.keys()].map(nameOf);
  const counted = REPLACED.map((replaced) => ({
    replaced,
    count: names.filter((name) => replaced.names.test(name)).length,
  }));
  const most = counted.reduce((best, other) => (other.count > best.count ? other : best));
  if (most.count > 0) return most.replaced;
  const programs = REPLACED.map(({ program }) => program).join(', ');
  throw new UsageError(`--against: no metrics of ${programs} among its ${names.length} series`);
}
