import { ZSTD_QUESTION } from '../../metrics/zstd-question.ts';
import type { ResponseRule } from './responses.ts';
import type { Sender, Upload, UploadAttempt } from './sender.ts';

/** No receiver stores samples of the year 2286: VictoriaMetrics discards samples more than two days in the future. */
export const NEVER_STORED_MS = 9_999_999_999_999;

/** Error messages of zstd decoders: gozstd, klauspost/compress, zlib. */
const YES = /frame descriptor|magic number|decompress|invalid input/i;

/** Whether a receiver supports zstd, or the response that leaves this open. */
export async function detectZstd(
  sender: Sender,
  upload: Omit<Upload, 'members' | 'compression'>,
  ruleOf: (attempt: UploadAttempt) => ResponseRule,
  signal: AbortSignal,
): Promise<boolean | UploadAttempt> {
  const attempt = await sender.send({ ...upload, compression: 'zstd', members: [ZSTD_QUESTION] }, signal);
  if (typeof attempt.code === 'number' && attempt.code >= 400 && !attempt.isPage && YES.test(attempt.text)) return true;
  const { action, reason } = ruleOf(attempt);
  // Rejected for an unclear reason: the response to the gzip push will show it.
  const isOpen = action === 'done' || action === 'drop' || reason === 'encoding' || reason === 'refused';
  return isOpen ? false : attempt;
}
