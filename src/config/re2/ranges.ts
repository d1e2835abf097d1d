/** A set of code points: ascending ranges, both ends included, that neither overlap nor touch. */
export type Ranges = readonly (readonly [first: number, last: number])[];

/** The last code point. */
export const MAX_POINT = 0x10ffff;

/** Letters, digits and the underscore: for `\w` and `\b`. */
export const WORD: Ranges = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];

const DIGIT: Ranges = [[0x30, 0x39]];
/** Without the vertical tab, unlike JavaScript's and POSIX's. */
const SPACE: Ranges = [
  [0x09, 0x0a],
  [0x0c, 0x0d],
  [0x20, 0x20],
];
const UPPER = [0x41, 0x5a] as const;
const LOWER = [0x61, 0x7a] as const;

/** The sets of `\d`, `\s` and `\w`. */
export const PERL: ReadonlyMap<string, Ranges> = new Map([
  ['d', DIGIT],
  ['s', SPACE],
  ['w', WORD],
]);

/** The sets of `[:name:]`. */
export const POSIX: ReadonlyMap<string, Ranges> = new Map<string, Ranges>([
  ['alnum', [[0x30, 0x39], UPPER, LOWER]],
  ['alpha', [UPPER, LOWER]],
  ['ascii', [[0, 0x7f]]],
  [
    'blank',
    [
      [0x09, 0x09],
      [0x20, 0x20],
    ],
  ],
  [
    'cntrl',
    [
      [0, 0x1f],
      [0x7f, 0x7f],
    ],
  ],
  ['digit', DIGIT],
  ['graph', [[0x21, 0x7e]]],
  ['lower', [LOWER]],
  ['print', [[0x20, 0x7e]]],
  [
    'punct',
    [
      [0x21, 0x2f],
      [0x3a, 0x40],
      [0x5b, 0x60],
      [0x7b, 0x7e],
    ],
  ],
  [
    'space',
    [
      [0x09, 0x0d],
      [0x20, 0x20],
    ],
  ],
  ['upper', [UPPER]],
  ['word', WORD],
  [
    'xdigit',
    [
      [0x30, 0x39],
      [0x41, 0x46],
      [0x61, 0x66],
    ],
  ],
]);

/** The union of `parts`, which may overlap. */
export function union(...parts: readonly Ranges[]): Ranges {
  const sorted = parts.flat().sort(([one], [other]) => one - other);
  const merged: [number, number][] = [];
  for (const [first, last] of sorted) {
    const before = merged.at(-1);
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else merged.push([first, last]);
  }
  return merged;
}

/** The complement of `ranges`. */
export function complement(ranges: Ranges): Ranges {
  const rest: [number, number][] = [];
  let from = 0;
  for (const [first, last] of ranges) {
    if (first > from) rest.push([from, first - 1]);
    from = last + 1;
  }
  if (from <= MAX_POINT) rest.push([from, MAX_POINT]);
  return rest;
}

/** Whether `point` is in `ranges`. */
export const includes = (ranges: Ranges, point: number): boolean =>
  ranges.some(([first, last]) => point >= first && point <= last);

/** `ranges` and all characters that differ from them only in case, by Unicode's simple case folding, as in RE2. */
export function foldCase(ranges: Ranges): Ranges {
  const orbits = ranges.every(([, last]) => last < 0x80) ? ASCII_ORBITS : allOrbits();
  const others: [number, number][] = [];
  for (const orbit of orbits) {
    if (!orbit.some((point) => includes(ranges, point))) continue;
    for (const point of orbit) others.push([point, point]);
  }
  return union(ranges, others);
}

type Orbit = readonly number[];

/** Letters of ASCII, with the two letters outside of it that fold to them: the Kelvin sign and the long s. */
const ASCII_ORBITS: readonly Orbit[] = Array.from({ length: 26 }, (_, letter) => {
  const other = { 10: [0x212a], 18: [0x17f] }[letter] ?? [];
  return [0x41 + letter, 0x61 + letter, ...other];
});

let knownOrbits: readonly Orbit[] | undefined;

/** Created when the first expression needs it; takes a few milliseconds. */
function allOrbits(): readonly Orbit[] {
  knownOrbits ??= findOrbits();
  return knownOrbits;
}

/** There are no letters with two cases above this. */
const LAST_CASED = 0x1ffff;

/**
 * Candidates by the letters' full mappings, filtered by JavaScript's case-insensitive matching, which only uses simple
 * ones.
 */
function findOrbits(): Orbit[] {
  const byFold = new Map<string, number[]>();
  for (let point = 0; point <= LAST_CASED; point++) {
    if (point >= 0xd800 && point <= 0xdfff) continue;
    const letter = String.fromCodePoint(point);
    const fold = letter.toUpperCase().toLowerCase();
    if (fold === letter && letter.toUpperCase() === letter) continue;
    for (const key of new Set([fold, letter.toLowerCase()])) {
      byFold.set(key, [...(byFold.get(key) ?? []), point]);
    }
  }
  const orbits: Orbit[] = [];
  for (const [key, points] of byFold) {
    const keyPoint = key.codePointAt(0) ?? 0;
    const all = [...new Set(key.length === String.fromCodePoint(keyPoint).length ? [keyPoint, ...points] : points)];
    const [first = keyPoint] = all;
    const same = new RegExp(`^\\u{${first.toString(16)}}$`, 'iu');
    const orbit = all.filter((point) => same.test(String.fromCodePoint(point)));
    if (orbit.length > 1) orbits.push(orbit);
  }
  return orbits;
}

/** The set of `\p{name}`: a general category (`L`, `Lu`) or a script (`Greek`); undefined for other names. */
export function unicodeClass(name: string): Ranges | undefined {
  if (name === 'Any') return [[0, MAX_POINT]];
  const property = /^[A-Z][a-z]?$/.test(name) ? `General_Category=${name}` : `Script=${name}`;
  let runs: RegExp;
  try {
    runs = new RegExp(`\\p{${property}}+`, 'gu');
  } catch {
    return undefined;
  }
  const found: [number, number][] = [];
  for (let start = 0; start <= MAX_POINT; start += CHUNK) {
    // Surrogates are in no script, and their category does not matter because texts contain none.
    if (start >= 0xd800 && start <= 0xdfff) continue;
    const text = String.fromCodePoint(...Array.from({ length: CHUNK }, (_, offset) => start + offset));
    for (const { 0: run, index } of text.matchAll(runs)) {
      const first = text.codePointAt(index) ?? start;
      found.push([first, first + [...run].length - 1]);
    }
  }
  return union(found);
}

/** Separates the surrogates from the code points before and after. */
const CHUNK = 0x800;
