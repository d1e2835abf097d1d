import { libcFunctions } from './syscalls.ts';

const DEFINITIONS = {
  malloc_trim: { arguments: ['uint64'], return: 'int32' },
  mallopt: { arguments: ['int32', 'int32'], return: 'int32' },
} as const;

/** From glibc's malloc.h. */
const M_ARENA_MAX = -8;

type Malloc = Pick<ReturnType<typeof libcFunctions<typeof DEFINITIONS>>, keyof typeof DEFINITIONS>;
let malloc: Malloc | undefined;

/** Loaded separately: only glibc has these. */
const calls = (): Malloc => {
  malloc ??= libcFunctions(DEFINITIONS);
  return malloc;
};

/**
 * Makes threads started from now on share one malloc arena. By default each gets its own, which retains freed memory.
 * Throws Unsupported if the C library is not glibc, or without node:ffi.
 */
export const shareOneArena = (): void => void calls().mallopt(M_ARENA_MAX, 1);

/** Returns pages that contain only freed memory to the kernel. Throws like {@link shareOneArena}. */
export const trimMalloc = (): void => void calls().malloc_trim(0n);
