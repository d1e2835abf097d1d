import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..');

/** Phrases that crept into early texts, and the words of the field for them. */
const INSTEAD: readonly (readonly [RegExp, string])[] = [
  [/\b(?:tells?|told|telling)\b/i, 'report, expose, emit, show, say'],
  [/\bwhat becomes? of\b/i, 'what happens to'],
  [/\bmiss(?:es)? a part\b/i, 'partial data'],
  [/\b(?:gave|given|gives?) up (?:samples|bodies|files|nothing)\b/i, 'dropped'],
  [/\b\d+ bodies\b/i, 'batches, pushes'],
  [/\bcom(?:es?|ing) to nothing\b/i, 'is refused, has no effect'],
  [/\bnobody \(the default\)/i, 'none (the default)'],
  [/\bis none any more\b/i, 'is no longer'],
  [/\bby half\b/i, 'partially'],
  [/\bwithout a word\b/i, 'silently'],
  [/\bstays? in force beside\b/i, 'in addition to'],
  [/\btrying on\b/i, 'retrying'],
  [/\bis asked for its master\b/i, 'is uploaded only by the leader'],
  [/\bthere is nobody\b/i, 'there is no …'],
  [/\bsomebody (?:has|who|else)\b/i, 'an operator, another'],
  [/\bwhat is too (?:much|many)\b/i, 'what exceeds …'],
  [/\bis kept compressed\b/i, 'stays compressed'],
  [/\bso long after\b/i, 'this long after'],
  [/\bsays nothing any more\b/i, 'no longer answers'],
  [/\bleft over\b/i, 'remaining'],
  [/\bcan ?not be had\b/i, 'is unavailable'],
  [/\b(?:is|are|was|were|been|when|until|not|though) asked for\b/i, 'requested, enabled'],
  [/\blook(?:s|ed|ing)? at\b/i, 'check, examine'],
  [/\bunder way\b/i, 'in progress'],
  [/\bin force\b/i, 'active'],
  [/\b(?:is|was|were|are|be) there (?:at|already|beside|when|before)\b/i, 'exists, is present'],
  [/\bswitch(?:ed|es)? (?:it |them )?(?:on|off)\b/i, 'enable, disable'],
  [/\bside by side\b/i, 'in parallel, concurrently'],
  [/\b(?:nobody|somebody) (?:is|can|could|does|may|takes|asks|needs|reads)\b/i, 'no one, a user, a client'],
  [/\bso many (?:of|others|entries|bodies)\b/i, 'this many, up to'],
  [/\bcosts? (?:only )?itself\b/i, 'loses only itself, affects no others'],
  [/\bgoes? on\b/i, 'continues'],
  [/\bstands? (?:beside|behind|in front of)\b/i, 'is next to, follows, precedes'],
  [/\b(?:anew|whoever|for ever|now and then|all in all)\b/i, 'again, a client, forever, sometimes, in total'],
  [/\btakes? the place of\b/i, 'replaces'],
  [/\bis there twice\b/i, 'is duplicated'],
  [/\bin the words of\b/i, 'with the messages of'],
  [/\bhas gone\b/i, 'was removed, no longer exists'],
  [/\bin vain\b/i, 'without success, wasted'],
  [/\bbehind (?:the (?:first|samples?|closing|tag)|its (?:samples?|tag))\b/i, 'after'],
  [/\bso (?:many|much|few) (?:bytes|input|digits|lines|entries|samples)\b/i, 'this many, up to'],
  [/\bleft-over\b(?!-groups)/i, 'remaining'],
  [/\b(?:has|holds?|needs?|takes?|gets?) (?:it|them) no more\b/i, 'no longer'],
  [/\b(?:is|are) called so\b/i, 'has this name'],
  [/\bfound by nothing\b/i, 'is not found'],
  [/\bmore than itself\b/i, 'affects others'],
  [/\b(?:hundred|thousand) thousands\b/i, 'hundreds of thousands'],
  [/\bneighbors?\b(?! table)/i, 'neighbour: the spelling is British'],
  [/\bGives (?:back|what|all)\b/, 'Returns, Passes'],
  [/\bgives? (?:it|them|memory|the \w+) back\b/i, 'returns, releases'],
  [/\b(?:word|conflict) (?:that )?is none\b/i, 'is not a …'],
  [/\bfor a fault of\b/i, 'because of an error in'],
  [/\bis no (?:JSON|text|file|port|URL|fault|error|success|address|failure)\b/i, 'is not a …'],
  [
    /\b(?:last answer|status of the answer|no answer within|answered in|it answered)\b/i,
    'response (of HTTP), not finished within, responded',
  ],
  [/\bin (?:volt|ampere|watt|joule)\b(?!-)/, 'in volts, amperes, …'],
  // The same words inside names, where \b does not find them.
  [/(?:[Tt]ell(?:s|ing)?|[Tt]old)[A-Z]|[a-z](?:Tells?|Telling|Told)\b/, 'reports…, has…, …Options'],
  [/#debt|\bdebt[A-Z]|\b(?:block|this)\.debt\b|[a-z]Debt|_DEBT/, 'pending…'],
];

/** What operators and contributors read: documentation, the page, the chart, and strings and comments of all code. */
const PAGES = globSync(
  [
    '*.md',
    'docs/**/*.{md,yaml}',
    'helm/**/*.{md,mjs,tpl,txt,yaml}',
    '{bench,scripts,test}/**/*.{ts,mjs,yaml}',
    'src/http/page/*.{css,html,js}',
    'src/**/*.{ts,mjs}',
  ],
  { cwd: ROOT },
).filter((path) => !path.startsWith('test/fixtures/') && path !== 'test/docs/wording.test.ts');

test('documentation, messages, comments, tests, the page and the chart use the words of the field', () => {
  const found: string[] = [];
  for (const path of PAGES) {
    for (const line of readFileSync(join(ROOT, path), 'utf8').split('\n')) {
      for (const [phrase, instead] of INSTEAD) {
        if (phrase.test(line)) found.push(`${path}: ${line.trim().slice(0, 160)} (rather: ${instead})`);
      }
    }
  }
  assert.deepEqual(found, []);
});
