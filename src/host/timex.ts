// struct timex of 64-bit machines: adjtimex(2), include/uapi/linux/timex.h. Pure, except for readTimex.
import { Unsupported } from './errors.ts';
import { s32, s64 } from './native.ts';
import { adjtimex, SyscallError } from './syscalls.ts';

const TIMEX_BYTES = 208;
const TIME_ERROR = 5;
const STA_NANO = 0x2000;

/** The kernel clock's discipline, in base units. */
export interface Timex {
  readonly synchronized: boolean;
  readonly offsetSeconds: number;
  /** Ratio of the clock rate to nominal; 1 means no correction. */
  readonly frequencyRatio: number;
  readonly maxErrorSeconds: number;
  readonly estimatedErrorSeconds: number;
  readonly status: number;
  readonly timeConstant: number;
  readonly tickSeconds: number;
  readonly ppsFrequencyHertz: number;
  readonly ppsJitterSeconds: number;
  readonly ppsShiftSeconds: number;
  readonly ppsStabilityHertz: number;
  readonly ppsJitterCount: number;
  readonly ppsCalibrationCount: number;
  readonly ppsErrorCount: number;
  readonly ppsStabilityCount: number;
  readonly taiOffsetSeconds: number;
}

/** Queries the kernel. Throws Unsupported if the call is unavailable or not allowed (some seccomp profiles). */
export function readTimex(): Timex {
  const timex = Buffer.alloc(TIMEX_BYTES);
  try {
    return decodeTimex(adjtimex(timex), timex);
  } catch (cause) {
    if (!(cause instanceof SyscallError)) throw cause;
    throw new Unsupported(`the kernel's clock state is unavailable: ${cause.message}`, { cause });
  }
}

/** Decodes the result of the call. Frequencies are parts per million with 16 bits of fraction. */
export function decodeTimex(state: number, timex: Buffer): Timex {
  const long = (offset: number): number => Number(s64(timex, offset));
  const status = s32(timex, 40);
  const divisor = status & STA_NANO ? 1e9 : 1e6;
  const ppm = 1e6 * 65536;
  return {
    synchronized: state !== TIME_ERROR,
    offsetSeconds: long(8) / divisor,
    frequencyRatio: 1 + long(16) / ppm,
    maxErrorSeconds: long(24) / 1e6,
    estimatedErrorSeconds: long(32) / 1e6,
    status,
    timeConstant: long(48),
    tickSeconds: long(88) / 1e6,
    ppsFrequencyHertz: long(96) / ppm,
    ppsJitterSeconds: long(104) / divisor,
    ppsShiftSeconds: s32(timex, 112),
    ppsStabilityHertz: long(120) / ppm,
    ppsJitterCount: long(128),
    ppsCalibrationCount: long(136),
    ppsErrorCount: long(144),
    ppsStabilityCount: long(152),
    taiOffsetSeconds: s32(timex, 160),
  };
}
