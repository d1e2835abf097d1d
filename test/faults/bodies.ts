import { constants, gunzipSync } from 'node:zlib';
import type { Exchange } from '../kit/fault-proxy.ts';

/** A timestamp at the end of a line, as in batches for receivers without zstd. */
const LINE_STAMP = / (\d\.\d+e12)\n/;

/** The batch of an upload: job and timestamp, which is in the URL or at the end of each line. */
function bodyOf({ path, body }: Exchange): string {
  const job = /\/job\/([^/]+)\//.exec(path)?.[1] ?? '';
  return `${job} ${lineStamp(Buffer.concat(body)) ?? /timestamp=(\d+)/.exec(path)?.[1]}`;
}

function lineStamp(body: Buffer): number | undefined {
  if (body[0] !== 0x1f || body[1] !== 0x8b) return undefined;
  const text = gunzipSync(body, { finishFlush: constants.Z_SYNC_FLUSH }).toString('latin1');
  const stamp = LINE_STAMP.exec(text)?.[1];
  return stamp === undefined ? undefined : Math.trunc(Number(stamp));
}

/** The batches that were acknowledged to the client. */
export const acknowledged = (exchanges: readonly Exchange[]): Set<string> =>
  new Set(exchanges.filter((exchange) => isTaken(exchange) && !isQuestion(exchange)).map(bodyOf));

const isTaken = ({ status = 0 }: Exchange): boolean => status >= 200 && status < 300;

/** Whether it is a probe for zstd: a comment that is not compressed. */
const isQuestion = ({ body: [first] }: Exchange): boolean => first?.[0] === '#'.charCodeAt(0);
