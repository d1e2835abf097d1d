import { libcFunctions } from './syscalls.ts';

const DEFINITIONS = {
  malloc_trim: { arguments: ['uint64'], return: 'int32' },
  mallopt: { arguments: ['int32', 'int32'], return: 'int32' },
} as const;

/** Of glibc's malloc.h. */
const M_ARENA_MAX = -8;

type Malloc = Pick<ReturnType<typeof libcFunctions<typeof DEFINITIONS>>, keyof typeof DEFINITIONS>;
let malloc: Malloc | undefined;

/** Loaded separately: only glibc has these. */
const calls = (): Malloc => {
  malloc ??= libcFunctions(DEFINITIONS);
  return malloc;
};

/**
 * Has threads that start from now on share one heap of malloc. By default each gets one of its own, in which what it freed
 * stays. Throws Unsupported where the C library is not glibc, or without node:ffi.
 */
export const shareOneArena = (): void => void calls().mallopt(M_ARENA_MAX, 1);

/** Returns pages that hold nothing but freed memory to the kernel. Throws as {@link shareOneArena}. */
export const trimMalloc = (): void => void calls().malloc_trim(0n);
