// npm run audit: known vulnerabilities of the bundled packages, from the registry's list. Fails for high and critical ones. If no
// registry responds (offline, a mirror without the list) it reports that and passes.
import { spawnSync } from 'node:child_process';
import { auditVerdict } from './audit-verdict.ts';

const LIMIT_MS = 60_000;

const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json', '--fetch-retries=0', '--fetch-timeout=20000'], {
  encoding: 'utf8',
  timeout: LIMIT_MS,
  stdio: ['ignore', 'pipe', 'ignore'],
});
const { text, isBad } = auditVerdict(stdout);
console.log(text);
process.exitCode = isBad ? 1 : 0;
