import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namedIn, narrow, type PartVerdict } from '../../src/exporters/delivery/narrowing.ts';

const families = Array.from({ length: 300 }, (_, index) => `family_${index}`);

/** A receiver that refuses what has one of `culprit`; says which if it `names` them. Remembers what it holds. */
function receiver(culprit: readonly string[], names = false) {
  const seen = { parts: 0, wholes: 0, holds: [] as readonly string[] };
  const verdict = (sent: readonly string[]): PartVerdict => {
    const first = sent.find((family) => culprit.includes(family));
    if (first === undefined) return 'accepted';
    return {
      rejection: names ? `collected metric "${first}" { gauge:<value:1 > } is not a COUNTER` : 'socket hang up',
    };
  };
  const tries = {
    part: async (sent: readonly string[]) => {
      seen.parts++;
      return verdict(sent);
    },
    whole: async (sent: readonly string[]) => {
      seen.wholes++;
      const found = verdict(sent);
      if (found === 'accepted') seen.holds = sent;
      return found;
    },
  };
  return { seen, tries };
}

const without = (culprit: readonly string[]) => families.filter((family) => !culprit.includes(family));

for (const culprit of [
  ['family_0'],
  ['family_299'],
  ['family_7', 'family_8', 'family_150'],
  ['family_120', 'family_121'],
]) {
  test(`${culprit.join(' and ')} found by bisection, the rest delivered completely`, async () => {
    const { seen, tries } = receiver(culprit);
    const { isAccepted, rejected } = await narrow(families, [], 'socket hang up', tries);
    assert.ok(isAccepted);
    assert.deepEqual(rejected.map(({ family }) => family).sort(), [...culprit].sort());
    assert.deepEqual(seen.holds, without(culprit));
    assert.ok(seen.parts <= culprit.length * 10, `${seen.parts} parts`);
    assert.equal(seen.wholes, culprit.length);
  });
}

test('a family named in the response is omitted without a search', async () => {
  const culprit = ['family_30', 'family_200'];
  const { seen, tries } = receiver(culprit, true);
  const { rejected } = await narrow(
    families,
    [],
    'collected metric "family_30" { gauge:<value:1 > } is not a COUNTER',
    tries,
  );
  assert.deepEqual(
    rejected.map(({ family }) => family),
    culprit,
  );
  assert.deepEqual([seen.parts, seen.wholes], [0, 2]);
});

test('a family rejected an hour ago is suspected first', async () => {
  const { seen, tries } = receiver(['family_77']);
  await narrow(families, ['family_77'], 'socket hang up', tries);
  assert.equal(seen.parts, 1);
});

test('a rejection without a bad family blames none', async () => {
  const refuseAbove =
    (most: number) =>
    async (sent: readonly string[]): Promise<PartVerdict> =>
      sent.length > most ? { rejection: 'too much at once' } : 'accepted';
  const { isAccepted, rejected } = await narrow(families, [], 'too much at once', {
    part: refuseAbove(200),
    whole: refuseAbove(200),
  });
  assert.deepEqual([isAccepted, rejected], [false, []]);
});

test('a response that does not concern the part ends the search', async () => {
  let tries = 0;
  const silent = async (): Promise<PartVerdict> => {
    tries++;
    return 'unclear';
  };
  const { isAccepted, rejected } = await narrow(families, [], 'socket hang up', { part: silent, whole: silent });
  assert.deepEqual([isAccepted, rejected, tries], [false, [], 1]);
});

test('uploads per batch are bounded, whatever is rejected', async () => {
  let tries = 0;
  const refuse = async (): Promise<PartVerdict> => {
    tries++;
    return { rejection: 'socket hang up' };
  };
  await narrow(families, [], 'socket hang up', { part: refuse, whole: refuse });
  assert.ok(tries <= 128, `${tries}`);
});

test('names are extracted from the messages of gateways', () => {
  const known = ['up', 'took_seconds', 'a:b'];
  const message: readonly (readonly [string, string | undefined])[] = [
    [
      'pushed metrics are invalid or inconsistent with existing metrics: collected metric "up" { label:{} } is not a GAUGE',
      'up',
    ],
    ['collected metric up label:<name:"job"> gauge:<value:1> should be a Counter', 'up'],
    ['collected metric "took_seconds_bucket" was collected before with the same name and label values', 'took_seconds'],
    [
      'text format parsing error in line 2: second TYPE line for metric name "a:b", or TYPE reported after samples',
      'a:b',
    ],
    ['collected metric "unknown" is not a GAUGE', undefined],
    ['pushed metrics must not have timestamps', undefined],
  ];
  for (const [text, family] of message) assert.equal(namedIn(text, known), family, text);
});
